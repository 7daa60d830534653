//! Names and their addresses: resolved once for each connection, and only the addresses that the guard lets pass are
//! connected to. Goes in: a name. Comes out: addresses, or that all of them are refused. Knows no HTTP.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::error::AllRefused;
use super::{Guard, Refused};

/// Whoever knows the addresses of names: the machine's resolver, or a test's.
pub(super) type LookUp = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// The machine's own resolver.
pub(super) fn of_the_machine() -> LookUp {
    Arc::new(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect()) }))
}

tokio::task_local! {
    static LOOKED_UP: Cell<bool>;
}

/// Sends a request, and says whether the addresses of a name were asked for meanwhile: each connection that is made to a name
/// begins with that, and one that is used again does not.
pub(super) async fn watched<T>(request: impl Future<Output = T>) -> (T, bool) {
    let watched = async {
        let answer = request.await;
        (answer, LOOKED_UP.with(Cell::get))
    };
    LOOKED_UP.scope(Cell::new(false), watched).await
}

/// Resolves a name and keeps the addresses that the guard lets pass: the connection goes to one of them and no other.
#[derive(Clone)]
pub(super) struct GuardedNames {
    /// Who is asked.
    pub(super) look_up: LookUp,
    /// Which addresses pass.
    pub(super) guard: Guard,
    /// The name of the user's own proxy, which may live anywhere.
    pub(super) trusted: Option<String>,
}

impl GuardedNames {
    /// The addresses of a name that may be connected to.
    pub(super) async fn addresses(self, name: String) -> Result<Vec<SocketAddr>, Box<dyn std::error::Error + Send + Sync>> {
        // A proxy's connector asks for an IPv6 address as it stands in the URL.
        let bare = name.trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_trusted = self.trusted.as_ref() == Some(&name);
        let (mut passed, mut refused) = (Vec::new(), Vec::<Refused>::new());
        for address in (self.look_up)(bare).await? {
            match self.guard.check(address.ip()) {
                Ok(()) => passed.push(address),
                Err(_) if is_trusted => passed.push(address),
                Err(no) if refused.contains(&no) => {}
                Err(no) => refused.push(no),
            }
        }
        if passed.is_empty() && !refused.is_empty() { Err(AllRefused(refused).into()) } else { Ok(passed) }
    }
}

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        // A connection that is made for nobody's request has nobody to tell.
        LOOKED_UP.try_with(|looked_up| looked_up.set(true)).ok();
        let names = self.clone();
        Box::pin(async move {
            let passed: Addrs = Box::new(names.addresses(name.as_str().to_owned()).await?.into_iter());
            Ok(passed)
        })
    }
}
