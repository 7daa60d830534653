//! The command line. What there is to say is said here by clap's types; each command is a file that reads its arguments,
//! calls the library and prints. The only room that knows the configuration.

mod add;
mod caller;
mod catchup;
mod check;
mod dry_run;
mod edit;
mod events;
mod failure;
mod init;
mod list;
mod logging;
mod once;
mod output;
mod preview;
mod queue;
mod resend;
mod run;
mod session;
mod show;
mod source;
mod status;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use failure::Exit;
use failure::Failure;
use output::Printer;
use session::Place;

/// Polls RSS, Atom and JSON feeds and delivers each new entry once: as mail, or as a link to a read-later service.
#[derive(Debug, Parser)]
#[command(name = "feeds", version, after_help = "Example: feeds run --once")]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What stands before or after any command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
struct Global {
    /// The configuration; else `FEEDS_CONFIG`, ~/.config/feeds/config.toml, /etc/feeds/config.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database; else `FEEDS_DATABASE`, the configuration's key, ~/.local/state/feeds/feeds.db
    #[arg(long, global = true, value_name = "FILE")]
    database: Option<PathBuf>,
    /// Print facts as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Say more; twice or thrice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Say less
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    quiet: u8,
    /// How log lines are written
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people
    Text,
    /// An object a line
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a commented configuration; never overwrites
    #[command(after_help = "Example: feeds init")]
    Init,
    /// Subscribe to a feed, a file, or the feed of a page
    #[command(after_help = "Example: feeds add https://lwn.net/ --tag linux")]
    Add(add::Arguments),
    /// Unsubscribe
    #[command(after_help = "Example: feeds remove lwn")]
    Remove(edit::Names),
    /// Stop polling a feed until it is resumed
    #[command(after_help = "Example: feeds pause lwn")]
    Pause(edit::Names),
    /// Poll a paused feed again
    #[command(after_help = "Example: feeds resume lwn")]
    Resume(edit::Names),
    /// Show the subscriptions, with tags and sinks
    #[command(after_help = "Example: feeds list --json")]
    List,
    /// Poll what is due and deliver what is queued
    #[command(after_help = "Example, for cron or a timer: feeds run --once")]
    Run(run::Arguments),
    /// Show how each feed fares, and how long the queue is
    #[command(after_help = "Example: feeds status lwn")]
    Status(status::Arguments),
    /// Show and change the deliveries that have not ended well
    #[command(after_help = "Example: feeds queue retry --all")]
    Queue(queue::Arguments),
    /// Show what a document holds
    #[command(after_help = "Example: feeds show https://lwn.net/headlines/rss")]
    Show(show::Arguments),
    /// Show how an entry would be delivered
    #[command(after_help = "Example: feeds preview lwn --as eml")]
    Preview(preview::Arguments),
    /// Mark all that is there as seen; deliver nothing of it
    #[command(after_help = "Example: feeds catchup lwn")]
    Catchup(edit::Names),
    /// Queue the newest entries of a feed again
    #[command(after_help = "Example: feeds resend lwn --last 3")]
    Resend(resend::Arguments),
    /// Check the configuration, the database, and a real connection to every sink
    #[command(after_help = "Example, with a test mail through every sink: feeds check --send")]
    Check(check::Arguments),
}

/// Reads a command line, does what it says, and answers how the process ends.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            error.print().ok();
            return exit;
        }
    };
    let printer = std::sync::Arc::new(Printer::new(cli.global.json, cli.global.quiet > 0));
    logging::start(&cli.global, &printer);
    let place = Place::new(cli.global.config, cli.global.database, printer.clone());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            printer.note(&format!("{}: cannot start: {error}", printer.label("error")));
            return Exit::Storage;
        }
    };
    let done = runtime.block_on(async {
        outlive_file_limits();
        dispatch(cli.command, &place).await
    });
    // What is still under way has had its time; nothing of it may hold the exit up.
    runtime.shutdown_background();
    printer.clear();
    done.unwrap_or_else(|failure| {
        printer.note(&failure.lines(&printer.label("error")));
        failure.exit
    })
}

/// A file that reaches its limit (`ulimit -f`) is an error to be told, not the end of the process: whoever handles the signal
/// is not killed by it. The handler stays for as long as the process lives.
fn outlive_file_limits() {
    let kind = tokio::signal::unix::SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    if let Err(error) = tokio::signal::unix::signal(kind) {
        tracing::debug!("cannot handle SIGXFSZ: {error}");
    }
}

async fn dispatch(command: Command, place: &Place) -> Result<Exit, Failure> {
    match command {
        Command::Init => init::run(place),
        Command::Add(arguments) => add::run(place, arguments).await,
        Command::Remove(names) => edit::remove(place, &names),
        Command::Pause(names) => edit::pause(place, &names, true),
        Command::Resume(names) => edit::pause(place, &names, false),
        Command::List => list::run(place),
        Command::Run(arguments) => run::run(place, arguments).await,
        Command::Status(arguments) => status::run(place, &arguments),
        Command::Queue(arguments) => queue::run(place, arguments).await,
        Command::Show(arguments) => show::run(place, arguments).await,
        Command::Preview(arguments) => preview::run(place, arguments).await,
        Command::Catchup(names) => catchup::run(place, &names).await,
        Command::Resend(arguments) => resend::run(place, arguments).await,
        Command::Check(arguments) => check::run(place, &arguments).await,
    }
}
