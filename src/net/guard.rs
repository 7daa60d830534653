//! PURE. The address guard: which addresses a feed or a page may make this program connect to. Goes in: an address,
//! in any of its spellings. Comes out: nothing, or why it is [`Refused`]. Knows no names and opens nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Refuses every address that is not a public one, but for the networks that the user excepted. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Guard(Kind);

#[derive(Debug, Clone)]
enum Kind {
    PublicAnd(Arc<[IpNet]>),
    Everything,
}

/// An address that the guard refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address} {}{kind}", self.link())]
pub struct Refused {
    /// The address as it was met.
    pub address: IpAddr,
    /// The address that it stands for: the IPv4 address inside a translated or tunnelled one, else itself.
    pub stands_for: IpAddr,
    /// What sort of address that is, with its article.
    pub kind: &'static str,
}

impl Refused {
    fn link(&self) -> String {
        if self.address == self.stands_for { "is ".to_owned() } else { format!("stands for {}, ", self.stands_for) }
    }

    /// The network to write among the exceptions, so that exactly this address passes.
    #[must_use]
    pub fn exception(&self) -> IpNet {
        IpNet::from(self.stands_for)
    }

    /// The next step for one or more refused addresses: the line that lets them pass.
    #[must_use]
    pub fn help(all: &[Self]) -> Option<String> {
        let nets: Vec<String> = all.iter().map(|refused| format!("\"{}\"", refused.exception())).collect();
        (!nets.is_empty()).then(|| format!("if it is meant, write `allow_addresses = [{}]` under `[http]`", nets.join(", ")))
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// The IANA registry of IPv4 addresses for special purposes.
const SPECIAL_V4: &[(Ipv4Net, &str)] = &[
    (v4(127, 0, 0, 0, 8), "a loopback address"),
    (v4(10, 0, 0, 0, 8), "a private address"),
    (v4(172, 16, 0, 0, 12), "a private address"),
    (v4(192, 168, 0, 0, 16), "a private address"),
    (v4(169, 254, 0, 0, 16), "a link-local address"),
    (v4(100, 64, 0, 0, 10), "a carrier's internal address"),
    (v4(0, 0, 0, 0, 8), "an unspecified address"),
    (v4(255, 255, 255, 255, 32), "the broadcast address"),
    (v4(224, 0, 0, 0, 4), "a multicast address"),
    (v4(240, 0, 0, 0, 4), "a reserved address"),
    (v4(192, 0, 0, 0, 24), "a reserved address"),
    (v4(192, 88, 99, 0, 24), "a reserved address"),
    (v4(198, 18, 0, 0, 15), "a benchmarking address"),
    (v4(192, 0, 2, 0, 24), "a documentation address"),
    (v4(198, 51, 100, 0, 24), "a documentation address"),
    (v4(203, 0, 113, 0, 24), "a documentation address"),
];

/// The same for IPv6. What is in none of these and not in `2000::/3` is refused too.
const SPECIAL_V6: &[(Ipv6Net, &str)] = &[
    (v6(0xfc00, 0, 0, 7), "a private address"),
    (v6(0xfe80, 0, 0, 10), "a link-local address"),
    (v6(0xfec0, 0, 0, 10), "a private address"),
    (v6(0xff00, 0, 0, 8), "a multicast address"),
    (v6(0x2001, 0xdb8, 0, 32), "a documentation address"),
    (v6(0x3fff, 0, 0, 20), "a documentation address"),
    (v6(0x2001, 2, 0, 48), "a benchmarking address"),
    (v6(0x64, 0xff9b, 1, 48), "a locally translated address"),
];
const GLOBAL_UNICAST: Ipv6Net = v6(0x2000, 0, 0, 3);

impl Guard {
    /// A guard that lets public addresses and those in `allow` pass.
    #[must_use]
    pub fn new(allow: Vec<IpNet>) -> Self {
        Self(Kind::PublicAnd(allow.into()))
    }

    /// No guard: for a sink, whose address is the user's own word.
    #[must_use]
    pub fn open() -> Self {
        Self(Kind::Everything)
    }

    /// Whether every address passes.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.0, Kind::Everything)
    }

    /// Lets a public or an excepted address pass.
    ///
    /// # Errors
    /// For every other address, in whichever spelling of IPv6 an IPv4 address may be wrapped.
    pub fn check(&self, address: IpAddr) -> Result<(), Refused> {
        let allow = match &self.0 {
            Kind::Everything => return Ok(()),
            Kind::PublicAnd(allow) => allow,
        };
        let passes = |candidate: IpAddr| allow.iter().any(|net| net.contains(&candidate));
        if passes(address) {
            return Ok(());
        }
        let inside = match address {
            IpAddr::V4(v4) => Inside::Whole(v4),
            IpAddr::V6(v6) => Inside::of(v6),
        };
        for v4 in inside.addresses().into_iter().flatten() {
            match special_v4(v4) {
                Some(kind) if !passes(v4.into()) => return Err(Refused { address, stands_for: v4.into(), kind }),
                Some(_) | None => {}
            }
        }
        match (address, inside) {
            (IpAddr::V6(v6), Inside::Part(_) | Inside::Nothing) => match special_v6(v6) {
                Some(kind) => Err(Refused { address, stands_for: address, kind }),
                None => Ok(()),
            },
            (IpAddr::V4(_), _) | (IpAddr::V6(_), Inside::Whole(_)) => Ok(()),
        }
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    SPECIAL_V4.iter().find(|(net, _)| net.contains(&address)).map(|(_, kind)| *kind)
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    match address {
        Ipv6Addr::LOCALHOST => Some("a loopback address"),
        Ipv6Addr::UNSPECIFIED => Some("an unspecified address"),
        _ => SPECIAL_V6
            .iter()
            .find(|(net, _)| net.contains(&address))
            .map(|(_, kind)| *kind)
            .or_else(|| (!GLOBAL_UNICAST.contains(&address)).then_some("not a public address")),
    }
}

/// The IPv4 addresses that a packet to an IPv6 address may end at, by translation or tunnel.
enum Inside {
    Nothing,
    /// The address is a spelling of an IPv4 address and nothing else.
    Whole(Ipv4Addr),
    /// The address is an IPv6 address of its own, and leads on to these.
    Part([Option<Ipv4Addr>; 2]),
}

impl Inside {
    fn of(address: Ipv6Addr) -> Self {
        let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
        match address.segments() {
            [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Self::Nothing,
            // Mapped ::ffff:a.b.c.d, compatible ::a.b.c.d, translated ::ffff:0:a.b.c.d (RFC 2765), NAT64 64:ff9b::a.b.c.d.
            [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
            | [0, 0, 0, 0, 0xffff, 0, high, low]
            | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Self::Whole(join(high, low)),
            // Teredo (RFC 4380): its server, and its client with all bits turned over.
            [0x2001, 0, server_high, server_low, _, _, high, low] => {
                Self::Part([Some(join(server_high, server_low)), Some(join(!high, !low))])
            }
            // 6to4 (RFC 3056), and ISATAP (RFC 5214) under any prefix.
            [0x2002, high, low, ..] | [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => Self::Part([Some(join(high, low)), None]),
            _ => Self::Nothing,
        }
    }

    fn addresses(&self) -> [Option<Ipv4Addr>; 2] {
        match self {
            Self::Nothing => [None, None],
            Self::Whole(v4) => [Some(*v4), None],
            Self::Part(both) => *both,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(address: &str) -> Option<Refused> {
        Guard::new(Vec::new()).check(address.parse().unwrap()).err()
    }

    #[test]
    fn what_is_not_public_is_refused_in_every_spelling() {
        for address in [
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.1",
            "10.255.255.255",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "0.0.0.0",
            "0.1.2.3",
            "255.255.255.255",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "254.1.2.3",
            "192.0.0.1",
            "192.0.0.192",
            "192.0.2.1",
            "198.51.100.7",
            "203.0.113.9",
            "198.18.0.1",
            "198.19.255.255",
            "192.88.99.1",
            "::",
            "::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
            "2001:db8::1",
            "3fff::1",
            "2001:2::1",
            "100::1",
            "5f00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0.0.0.0",
            "::127.0.0.1",
            "::2",
            "::10.1.2.3",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::8.8.8.8",
            "64:ff9b:1:7f00:1::",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2002:c0a8:101::1",
            "2002:a9fe:a9fe::",
            "2001:0:7f00:1::",
            "2001:0:808:808:0:0:80ff:fffe",
            "2001:0:808:808::f5ff:fffe",
            "2001:470:1:2:0:5efe:127.0.0.1",
            "2001:470:1:2:200:5efe:10.0.0.1",
            "fe80::5efe:808:808",
            "1::1",
            "4000::1",
        ] {
            assert!(refused(address).is_some(), "{address}");
        }
    }

    #[test]
    fn a_public_address_passes_in_every_spelling() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "93.184.216.34",
            "172.15.255.255",
            "172.32.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "169.253.1.1",
            "192.0.1.1",
            "198.17.1.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "2001:0:808:808:0:0:f7f7:f7f7",
        ] {
            assert_eq!(refused(address), None, "{address}");
        }
    }

    #[test]
    fn an_exception_holds_for_the_address_inside_too() {
        let guard = Guard::new(vec!["127.0.0.0/8".parse().unwrap(), "fd00:1::/32".parse().unwrap()]);
        for address in ["127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::", "fd00:1::5"] {
            assert_eq!(guard.check(address.parse().unwrap()), Ok(()), "{address}");
        }
        for address in ["10.0.0.1", "::1", "::ffff:10.0.0.1", "fd00:2::5", "2001:0:7f00:1::"] {
            assert!(guard.check(address.parse().unwrap()).is_err(), "{address}");
        }
    }

    #[test]
    fn a_refusal_names_the_address_and_the_line_to_add() {
        let plain = refused("127.0.0.1").unwrap();
        assert_eq!(plain.to_string(), "127.0.0.1 is a loopback address");
        let inside = refused("64:ff9b::a00:1").unwrap();
        assert_eq!(inside.to_string(), "64:ff9b::a00:1 stands for 10.0.0.1, a private address");
        let local = refused("::1").unwrap();
        assert_eq!(
            Refused::help(&[plain, inside, local]).unwrap(),
            "if it is meant, write `allow_addresses = [\"127.0.0.1/32\", \"10.0.0.1/32\", \"::1/128\"]` under `[http]`"
        );
    }

    #[test]
    fn a_sink_goes_where_the_user_says() {
        assert_eq!(Guard::open().check("127.0.0.1".parse().unwrap()), Ok(()));
    }
}
