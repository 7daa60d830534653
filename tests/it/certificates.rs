//! Certificates that are wrong, as their story is told by `run` and `status`: which name, since when, and what to do.

use crate::kit::tls::{Authority, TlsServer};
use crate::kit::{Sandbox, fixture};

struct Told {
    reader: Sandbox,
    server: TlsServer,
    authority: Authority,
}

/// A reader who trusts one authority, and a server whose certificate is for this name until this year.
fn reader_of(name: &str, until: i32, is_known: bool) -> Told {
    let authority = Authority::new("the publisher's");
    let server = TlsServer::start(authority.certify(name, until), fixture("two_entries.xml"));
    let reader = Sandbox::local();
    let known = if is_known { authority.pem() } else { Authority::new("another").pem() };
    let file = reader.file("ca.pem", &known);
    let reader = reader.sink_maildir().feed_with("winds", server.url(), &format!("ca_file = \"{}\"", file.display()));
    Told { reader, server, authority }
}

impl Told {
    /// What a run and `status` tell in the end: the cause, word for word, and each the beginning of the next step.
    fn is(&self, cause: &str, step: &str, advice: &str) {
        let place = self.server.url().replace("https://", "").replace("/feed", "");
        let error = format!("no safe connection to {place}: {cause}");
        self.reader.poll().succeeds().complains_of(&error).complains_of(step);
        let told = self.reader.status_of("winds");
        assert_eq!((told["state"].as_str(), told["error"].as_str()), (Some("failing"), Some(error.as_str())), "{told:#}");
        self.reader.run(&["status", "winds"]).shows(&error).shows(advice);
        assert!(self.reader.inbox().is_empty());
    }
}

#[test]
fn an_expired_certificate_is_told_with_its_day_until_it_is_renewed() {
    let told = reader_of("localhost", 2021, true);
    told.is("its certificate has expired on 2021-01-01", "only its publisher can renew it", "only its publisher can renew that");
    told.server.renew(told.authority.certify("localhost", 2090));
    told.reader.poll_again().succeeds();
    assert_eq!(told.reader.status_of("winds")["state"], "ok");
    assert_eq!(told.reader.inbox().len(), 2);
}

#[test]
fn a_certificate_for_another_name_is_told_with_both_names() {
    let told = reader_of("www.feed.example", 2090, true);
    told.is(
        "its certificate is not for localhost, but for www.feed.example",
        "look on its site for the feed's address",
        "look for its address with",
    );
}

#[test]
fn a_certificate_of_an_unknown_authority_is_told_with_the_key_that_names_it() {
    let told = reader_of("localhost", 2090, false);
    let cause = "its certificate is from an authority that is not trusted here";
    told.is(cause, "name the authority's certificate in `ca_file`", "goes into `ca_file`");
    told.reader.file("ca.pem", &told.authority.pem());
    told.reader.poll_again().succeeds();
    assert_eq!(told.reader.inbox().len(), 2);
}
