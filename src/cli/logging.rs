//! Log lines: to standard error, a line each, readable alone. Off a terminal errors alone, on one warnings too; `-v` and
//! `-q` move that.

use std::fmt;
use std::io;
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::output::Printer;
use super::{Global, LogFormat};

const LEVELS: [LevelFilter; 6] =
    [LevelFilter::OFF, LevelFilter::ERROR, LevelFilter::WARN, LevelFilter::INFO, LevelFilter::DEBUG, LevelFilter::TRACE];

/// Starts logging for the rest of the process.
pub(super) fn start(global: &Global, printer: &Arc<Printer>) {
    let usual = if printer.attended { 2 } else { 1 };
    let place = (usual + usize::from(global.verbose)).saturating_sub(usize::from(global.quiet)).min(LEVELS.len() - 1);
    let level = LEVELS[place];
    // Libraries speak only where everything is wanted.
    let ours = filter_fn(move |meta| meta.target().starts_with("feeds") || level == LevelFilter::TRACE);
    let writer = Lines(Arc::clone(printer));
    let layer = match global.log_format {
        LogFormat::Json => tracing_subscriber::fmt::layer().json().with_writer(move || writer.clone()).boxed(),
        LogFormat::Text => tracing_subscriber::fmt::layer().event_format(Plain).with_writer(move || writer.clone()).boxed(),
    };
    // A second start (as in tests) changes nothing.
    tracing_subscriber::registry().with(layer.with_filter(ours).with_filter(level)).try_init().ok();
}

/// Writes whole lines through the printer, so that none lands in the progress line.
#[derive(Clone)]
struct Lines(Arc<Printer>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.note(String::from_utf8_lossy(bytes).trim_end());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `warning: cannot read …`: the level and the message; fields are for the JSON form.
struct Plain;

impl<S: Subscriber + for<'a> LookupSpan<'a>, N: for<'a> FormatFields<'a> + 'static> FormatEvent<S, N> for Plain {
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let label = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warning",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        let mut message = Message(String::new());
        event.record(&mut message);
        writeln!(writer, "{label}: {}", message.0)
    }
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
