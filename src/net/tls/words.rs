//! PURE. Why a handshake failed, in words for a person, and what to do about it. Goes in: rustls' error. Comes out: text.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error};

/// Why a handshake failed.
#[must_use]
pub fn explain(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(reason) => certificate(reason),
        Error::InvalidMessage(_) => "it does not speak TLS on this port".to_owned(),
        Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => "it wants a certificate of this client".to_owned(),
            AlertDescription::ProtocolVersion => "it speaks no TLS of version 1.2 or newer".to_owned(),
            AlertDescription::UnrecognisedName => "it knows no host of this name".to_owned(),
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA => format!("it refused the certificate of this client: {}", refusal(*alert)),
            other => self::alert(*other),
        },
        Error::PeerIncompatible(_) => "it speaks no TLS that this program takes: version 1.2 or newer".to_owned(),
        Error::PeerMisbehaved(_)
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::InvalidEncryptedClientHello(_)
        | Error::PeerSentOversizedRecord => "it breaks the rules of TLS".to_owned(),
        Error::NoCertificatesPresented => "it shows no certificate".to_owned(),
        Error::DecryptError => "what it sends cannot be decrypted".to_owned(),
        Error::NoApplicationProtocol => "it speaks no HTTP that this program takes".to_owned(),
        Error::InconsistentKeys(_) => "the certificate of this client and its key do not belong together".to_owned(),
        other => other.to_string(),
    }
}

/// What an alert means whose cause is known; it comes from the server.
fn alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "it and this program have no cipher in common, or it serves no host of this name".to_owned()
        }
        AlertDescription::NoApplicationProtocol => "it speaks no HTTP that this program takes".to_owned(),
        AlertDescription::AccessDenied => "it lets this client not in".to_owned(),
        AlertDescription::InternalError => "it had a failure of its own".to_owned(),
        AlertDescription::CloseNotify | AlertDescription::UserCanceled => "it ended the connection".to_owned(),
        other => format!("it refused the connection with alert {}", u8::from(other)),
    }
}

/// How it refused a certificate of ours.
fn refusal(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::UnsupportedCertificate => "it is of a kind that it does not take",
        AlertDescription::CertificateRevoked => "it was revoked",
        AlertDescription::CertificateExpired => "it has expired",
        AlertDescription::UnknownCA => "its authority is not known there",
        _ => "it is not accepted",
    }
}

/// Whether a server shows an authority's certificate as its own. The library has no variant for it.
fn is_an_authoritys(reason: &CertificateError) -> bool {
    matches!(reason, CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity"))
}

/// Whether a handshake failed because the server's certificate has expired.
pub(in crate::net) fn has_expired(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }))
}

/// What to do about it, for whoever fetches documents.
#[must_use]
pub fn help(error: &Error) -> Option<String> {
    const INSECURE: &str = "`insecure = true` for this feed does without, and lets anybody between you and it read and change it";
    let words = match error {
        Error::InvalidCertificate(reason) => match reason {
            CertificateError::UnknownIssuer => {
                format!("if you know its authority, name the authority's certificate in `ca_file`; {INSECURE}")
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("only its publisher can renew it, and mostly does within days; {INSECURE}")
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("look on its site for the feed's address with the right name; {INSECURE}")
            }
            reason if is_an_authoritys(reason) => format!(
                "if it is yours, make the certificate anew with `-addext basicConstraints=critical,CA:FALSE`; `ca_file` does not \
                 help with this one; {INSECURE}"
            ),
            _ => INSECURE.to_owned(),
        },
        Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA,
        ) => "name a certificate that it knows in `client_cert`, and its key in `client_key_file`".to_owned(),
        _ => return None,
    };
    Some(words)
}

fn certificate(reason: &CertificateError) -> String {
    match reason {
        CertificateError::UnknownIssuer => "its certificate is from an authority that is not trusted here".to_owned(),
        CertificateError::ExpiredContext { not_after, .. } => format!("its certificate has expired{}", day(" on ", *not_after)),
        CertificateError::Expired => "its certificate has expired".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("its certificate is not valid{}; is this machine's clock right?", day(" before ", *not_before))
        }
        CertificateError::NotValidYet => "its certificate is not valid yet; is this machine's clock right?".to_owned(),
        CertificateError::NotValidForNameContext { expected, presented } if !presented.is_empty() => {
            format!("its certificate is not for {}, but for {}", expected.to_str(), names(presented))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name".to_owned()
        }
        CertificateError::Revoked => "its certificate was revoked".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its certificate is not meant for servers".to_owned()
        }
        CertificateError::BadSignature => "the signature of its certificate is wrong".to_owned(),
        CertificateError::BadEncoding => "its certificate cannot be read".to_owned(),
        CertificateError::UnhandledCriticalExtension => "its certificate demands what this program does not know".to_owned(),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "its certificate is signed in a way that is not taken any more".to_owned()
        }
        reason if is_an_authoritys(reason) => {
            "it shows the certificate of an authority as its own, as `openssl req -x509` makes it".to_owned()
        }
        CertificateError::Other(_) => "its certificate breaks the rules for certificates".to_owned(),
        other => format!("its certificate is invalid: {other}"),
    }
}

/// The first names of a certificate, which may have hundreds, as they may be shown.
fn names(presented: &[String]) -> String {
    const MOST: usize = 4;
    // The library writes `DnsName("h.example")`.
    let bare = |name: &String| name.split('"').nth(1).unwrap_or(name).chars().filter(|c| !c.is_control()).take(100).collect();
    let shown: Vec<String> = presented.iter().take(MOST).map(bare).collect();
    let more = presented.len().saturating_sub(MOST);
    format!("{}{}", shown.join(", "), if more > 0 { format!(" and {more} more") } else { String::new() })
}

fn day(before: &str, time: UnixTime) -> String {
    let day = Timestamp::UNIX_EPOCH.checked_add(Duration::from_secs(time.as_secs())).ok();
    day.map(|at| format!("{before}{}", TimeZone::UTC.to_datetime(at).date())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(reason: CertificateError) -> (String, String) {
        let error = Error::InvalidCertificate(reason);
        (explain(&error), help(&error).unwrap())
    }

    #[test]
    fn a_bad_certificate_is_explained_in_words_with_the_next_step() {
        let (cause, step) = told(CertificateError::UnknownIssuer);
        assert_eq!(cause, "its certificate is from an authority that is not trusted here");
        assert!(step.contains("`ca_file`") && step.contains("`insecure = true`"), "{step}");

        let time = |secs| UnixTime::since_unix_epoch(Duration::from_secs(secs));
        let (cause, _) = told(CertificateError::ExpiredContext { time: time(1_800_000_000), not_after: time(1_700_000_000) });
        assert_eq!(cause, "its certificate has expired on 2023-11-14");

        let presented = (1..=6).map(|n| format!("DnsName(\"h{n}.example\")")).collect();
        let expected = rustls::pki_types::ServerName::try_from("feed.example").unwrap();
        let (cause, step) = told(CertificateError::NotValidForNameContext { expected, presented });
        assert_eq!(
            cause,
            "its certificate is not for feed.example, but for h1.example, h2.example, h3.example, h4.example and 2 more"
        );
        assert!(step.starts_with("look on its site"), "{step}");
    }

    #[test]
    fn a_certificate_that_openssl_made_for_an_authority_is_told_with_how_to_make_it_anew() {
        #[derive(Debug, thiserror::Error)]
        #[error("CaUsedAsEndEntity")]
        struct OfTheLibrary;
        let other = rustls::OtherError(std::sync::Arc::new(OfTheLibrary));
        let (cause, step) = told(CertificateError::Other(other));
        assert_eq!(cause, "it shows the certificate of an authority as its own, as `openssl req -x509` makes it");
        assert!(step.contains("`-addext basicConstraints=critical,CA:FALSE`; `ca_file` does not help"), "{step}");
    }

    #[test]
    fn no_name_of_the_librarys_is_shown() {
        for reason in [CertificateError::BadSignature, CertificateError::InvalidPurpose, CertificateError::BadEncoding] {
            let name = format!("{reason:?}");
            assert!(!told(reason).0.contains(&name), "{name}");
        }
        let error = Error::AlertReceived(AlertDescription::UnknownCA);
        assert_eq!(explain(&error), "it refused the certificate of this client: its authority is not known there");
        assert!(!explain(&Error::AlertReceived(AlertDescription::HandshakeFailure)).contains("HandshakeFailure"));
    }

    #[test]
    fn a_server_that_wants_a_certificate_is_told_so() {
        let error = Error::AlertReceived(AlertDescription::CertificateRequired);
        assert_eq!(explain(&error), "it wants a certificate of this client");
        assert!(help(&error).unwrap().contains("`client_cert`"));
    }
}
