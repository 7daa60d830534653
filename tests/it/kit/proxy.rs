//! Proxies: one that speaks HTTP (it forwards, and tunnels by CONNECT) and one that speaks SOCKS5. Both lead every request
//! to one server, whatever host it is for, and remember what they were asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use super::listener::Listener;

/// What a proxy was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passed {
    /// `GET`, `CONNECT` or `SOCKS5`.
    pub(crate) method: String,
    /// The URL, or host and port. By SOCKS5 a name stands as it came, and an address as one.
    pub(crate) target: String,
    /// `Proxy-Authorization`, or `user:password` by SOCKS5.
    pub(crate) login: Option<String>,
}

/// A proxy; it ends when dropped.
pub(crate) struct Proxy {
    listener: Listener,
    passed: Arc<Mutex<Vec<Passed>>>,
}

impl Proxy {
    /// One that speaks HTTP and leads to `server`.
    pub(crate) fn http(server: SocketAddr) -> Self {
        Self::start(move |stream, passed| {
            forward(stream, server, passed);
        })
    }

    /// One that speaks SOCKS5 and leads to `server`; it wants a login where it is offered one.
    pub(crate) fn socks5(server: SocketAddr) -> Self {
        Self::start(move |stream, passed| {
            socks(stream, server, passed).ok();
        })
    }

    fn start(act: impl Fn(TcpStream, &Mutex<Vec<Passed>>) + Send + Sync + 'static) -> Self {
        let passed = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&passed);
        Self { listener: Listener::start(move |stream| act(stream, &log)), passed }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// What it was asked so far.
    pub(crate) fn passed(&self) -> Vec<Passed> {
        self.passed.lock().unwrap().clone()
    }
}

/// A whole request with its URL is sent on without the proxy's own header; a tunnel is joined.
fn forward(stream: TcpStream, server: SocketAddr, passed: &Mutex<Vec<Passed>>) -> Option<()> {
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line.trim_end().to_owned())
    };
    let start = line()?;
    let mut fields = Vec::new();
    loop {
        let field = line()?;
        if field.is_empty() {
            break;
        }
        fields.push(field);
    }
    let mut words = start.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let is_own = |field: &&String| field.to_ascii_lowercase().starts_with("proxy-authorization:");
    let login = fields.iter().find(is_own).and_then(|field| Some(field.split_once(':')?.1.trim().to_owned()));
    passed.lock().unwrap().push(Passed { method: method.clone(), target: target.clone(), login });
    let mut onward = TcpStream::connect(server).ok()?;
    if method == "CONNECT" {
        writer.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
        return join(reader, writer, onward);
    }
    let path = target.splitn(4, '/').nth(3).unwrap_or_default();
    fields.retain(|field| !is_own(&field));
    let head = format!("{method} /{path} HTTP/1.1\r\n{}\r\nConnection: close\r\n\r\n", fields.join("\r\n"));
    onward.write_all(head.as_bytes()).ok()?;
    onward.shutdown(Shutdown::Write).ok()?;
    std::io::copy(&mut onward, &mut writer).ok()?;
    writer.shutdown(Shutdown::Both).ok()
}

/// RFC 1928 and 1929, as far as a client needs them.
fn socks(mut stream: TcpStream, server: SocketAddr, passed: &Mutex<Vec<Passed>>) -> std::io::Result<()> {
    let take = |length: usize| {
        let mut bytes = vec![0; length];
        (&stream).read_exact(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    let greeting = take(2)?;
    let methods = take(usize::from(greeting[1]))?;
    let mut login = None;
    if methods.contains(&2) {
        (&stream).write_all(&[5, 2])?;
        let length = take(2)?[1];
        let name = take(usize::from(length))?;
        let length = take(1)?[0];
        let word = take(usize::from(length))?;
        login = Some(format!("{}:{}", String::from_utf8_lossy(&name), String::from_utf8_lossy(&word)));
        (&stream).write_all(&[1, 0])?;
    } else {
        (&stream).write_all(&[5, 0])?;
    }
    let host = match take(4)?[3] {
        1 => <[u8; 4]>::try_from(take(4)?).map(|v4| std::net::Ipv4Addr::from(v4).to_string()).unwrap_or_default(),
        4 => <[u8; 16]>::try_from(take(16)?).map(|v6| std::net::Ipv6Addr::from(v6).to_string()).unwrap_or_default(),
        _ => {
            let length = take(1)?[0];
            String::from_utf8_lossy(&take(usize::from(length))?).into_owned()
        }
    };
    let port = take(2)?;
    let target = format!("{host}:{}", u16::from_be_bytes([port[0], port[1]]));
    passed.lock().unwrap().push(Passed { method: "SOCKS5".to_owned(), target, login });
    let onward = TcpStream::connect(server)?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    join(BufReader::new(stream.try_clone()?), stream, onward);
    Ok(())
}

/// Carries bytes both ways until one side ends.
fn join(mut reader: BufReader<TcpStream>, mut writer: TcpStream, onward: TcpStream) -> Option<()> {
    let (mut there, mut back) = (onward.try_clone().ok()?, onward);
    let thread = std::thread::spawn(move || {
        std::io::copy(&mut reader, &mut there).ok();
        there.shutdown(Shutdown::Write).ok();
    });
    std::io::copy(&mut back, &mut writer).ok();
    writer.shutdown(Shutdown::Both).ok();
    thread.join().ok()
}
