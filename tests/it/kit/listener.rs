//! A listening socket on loopback that can go down and come back on the same port, with a thread for each connection.

use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::wait;

type Handler = Arc<dyn Fn(TcpStream) + Send + Sync>;

/// Serves connections until it is set down or dropped.
pub(crate) struct Listener {
    address: SocketAddr,
    handler: Handler,
    open: Mutex<Option<Open>>,
}

struct Open {
    closing: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
    accepting: JoinHandle<()>,
}

impl Listener {
    /// Listens on a free port; `handler` is called in a thread of its own for each connection.
    pub(crate) fn start(handler: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port on loopback");
        let address = socket.local_addr().expect("a bound socket has an address");
        let handler: Handler = Arc::new(handler);
        let open = Mutex::new(Some(Open::accept(socket, &handler)));
        Self { address, handler, open }
    }

    /// Where it listens, or did before it was set down.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Refuses connections from now on, and ends those that are open.
    pub(crate) fn down(&self) {
        if let Some(open) = self.open.lock().unwrap().take() {
            open.close(self.address);
        }
    }

    /// Listens again on the same port.
    pub(crate) fn up(&self) {
        let mut open = self.open.lock().unwrap();
        if open.is_none() {
            let bind = || TcpListener::bind(self.address).ok();
            let socket = wait::until("the old port", Duration::from_secs(10), bind);
            *open = Some(Open::accept(socket, &self.handler));
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.down();
    }
}

impl Open {
    fn accept(socket: TcpListener, handler: &Handler) -> Self {
        let closing = Arc::new(AtomicBool::new(false));
        let connections = Arc::new(Mutex::new(Vec::new()));
        let (stop, kept, handler) = (Arc::clone(&closing), Arc::clone(&connections), Arc::clone(handler));
        let accepting = std::thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                stream.set_nodelay(true).ok();
                if let Ok(twin) = stream.try_clone() {
                    kept.lock().unwrap().push(twin);
                }
                let handler = Arc::clone(&handler);
                std::thread::spawn(move || {
                    handler(stream.try_clone().expect("a second handle of a socket"));
                    // The twin that `down` keeps would hold the connection open otherwise.
                    stream.shutdown(Shutdown::Both).ok();
                });
            }
        });
        Self { closing, connections, accepting }
    }

    fn close(self, address: SocketAddr) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, so that it sees the flag.
        TcpStream::connect(address).ok();
        self.accepting.join().ok();
        for stream in self.connections.lock().unwrap().drain(..) {
            stream.shutdown(Shutdown::Both).ok();
        }
    }
}
