//! PURE. As whom a source is asked, as short as may be kept beside its validators: what was given to one user says nothing
//! about what another is given. Goes in: the headers of the feed's own. Comes out: a number that changes with them.
//!
//! The database must not be a place to try passwords on. So no more than eight bits of the number depend on what is secret,
//! whatever their number: whoever has the file and a list of a million passwords is left with thousands, and a slower or a
//! keyed hash, whose key would lie in the same file, would give no more. One change of a password in 256 goes unseen; then the
//! publisher is asked once with validators of his own that another login was given, and says whether they still hold.

use super::Access;
use super::access::{Login, is_secret_header};
use crate::net::HeaderMap;
use crate::secret::Origin;

const SECRET_BITS: u32 = 8;

/// As whom an access asks, whose headers these are; `None` where it has nothing of its own.
pub(super) fn asked_as(own: &HeaderMap, access: &Access) -> Option<u32> {
    if own.is_empty() && access.client.is_none() {
        return None;
    }
    let mut fields: Vec<_> = own.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    fields.sort_unstable();
    let is_open = |name: &str| {
        let of_this_name =
            |(own, origin): &(String, Origin)| own.eq_ignore_ascii_case(name) && matches!(origin, Origin::Inline(_));
        !is_secret_header(name) && access.headers.iter().any(of_this_name)
    };
    let (mut open, mut secret) = (blake3::Hasher::new(), blake3::Hasher::new());
    for (name, value) in fields {
        tell(&mut open, name.as_bytes());
        tell(if is_open(name) { &mut open } else { &mut secret }, value);
    }
    if let Login::Basic { username, .. } = &access.login {
        tell(&mut open, username.as_bytes());
    }
    if let Some(client) = &access.client {
        tell(&mut open, client.file.as_os_str().as_encoded_bytes());
    }
    Some(number(&open) << SECRET_BITS | number(&secret) >> (u32::BITS - SECRET_BITS))
}

/// Adds a text to a hash, and where it ends.
fn tell(hash: &mut blake3::Hasher, text: &[u8]) {
    hash.update(&(text.len() as u64).to_be_bytes()).update(text);
}

fn number(hash: &blake3::Hasher) -> u32 {
    let mut bytes = [0; 4];
    hash.finalize_xof().fill(&mut bytes);
    u32::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::net::{HeaderName, HeaderValue};
    use crate::secret::Secret;

    fn access(headers: &[(&str, &str)], login: Login) -> Access {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), Origin::Inline(Secret::new(*value)))).collect();
        Access { headers, login, ..Access::plain("feeds/test", Duration::from_secs(1), Duration::from_secs(1), 1) }
    }

    fn of(headers: &[(&str, &str)], login: Login) -> Option<u32> {
        let name = |name: &str| HeaderName::from_bytes(name.as_bytes()).unwrap();
        let own = headers.iter().map(|(n, v)| (name(n), HeaderValue::from_str(v).unwrap())).collect();
        asked_as(&own, &access(headers, login))
    }

    fn basic(username: &str) -> Login {
        Login::Basic { username: username.to_owned(), password: None }
    }

    #[test]
    fn it_changes_with_each_header_and_login_and_is_nothing_without_any() {
        assert_eq!(of(&[], Login::None), None);
        let all = [
            of(&[("Accept-Language", "de")], Login::None),
            of(&[("Accept-Language", "fr")], Login::None),
            of(&[("Cookie", "a=1")], Login::None),
            of(&[("Cookie", "a=2")], Login::None),
            of(&[("X-Token", "a=1")], Login::None),
            of(&[("Authorization", "a=1")], basic("me")),
            of(&[("Authorization", "a=1")], basic("you")),
            of(&[("Cookie", "a=1"), ("Accept-Language", "de")], Login::None),
        ];
        for (place, one) in all.iter().enumerate() {
            assert!(one.is_some() && !all[..place].contains(one), "{place}");
        }
        let turned = of(&[("Accept-Language", "de"), ("Cookie", "a=1")], Login::None);
        assert_eq!(turned, all[7], "the order means nothing");
    }

    #[test]
    fn a_secret_has_256_traces_and_no_more() {
        let traces = |name: &str| {
            let traces = (0..20_000).map(|number| of(&[(name, &format!("word {number}"))], Login::None));
            traces.collect::<std::collections::BTreeSet<_>>().len()
        };
        assert_eq!(traces("Cookie"), 256);
        assert!(traces("Accept-Language") > 19_000);
    }
}
