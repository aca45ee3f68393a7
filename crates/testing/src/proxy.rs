//! A TCP proxy in front of PostgreSQL that loses connections at the worst moment: while a session
//! commits. Which commits, and at which side of the server's work, a test says.
//!
//! It reads just as much of the protocol as it takes to see a commit: messages have a type and a length
//! (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).

use std::{
    collections::HashSet,
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

/// Where a connection is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The server never hears of the COMMIT: it rolls back.
    BeforeCommit,
    /// The server has committed, and its answer is lost.
    AfterCommit,
    /// As [`Cut::AfterCommit`], but nobody is told that the connection is gone: all is silent from then on.
    Silence,
}

/// Says what happens to a commit, by its number (from 1).
type Decide = Box<dyn Fn(u64) -> Option<Cut> + Send>;

/// The proxy. Dropping it refuses new connections; those it has go on.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: SocketAddr,
    /// Sessions by this name have their commits looked at.
    application: String,
    decide: Mutex<Decide>,
    commits: AtomicU64,
    cuts: AtomicU64,
    is_over: AtomicBool,
    /// Both ends of silenced connections, so that they stay open.
    silenced: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// A proxy to the server of `url`, which looks at the commits of sessions whose `application_name`
    /// is `application`.
    pub fn start(url: &str, application: &str) -> Self {
        let upstream = host_of(url).parse().expect("a URL with an address and a port");
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            upstream,
            application: format!("application_name\0{application}\0"),
            decide: Mutex::new(Box::new(|_| None)),
            commits: AtomicU64::new(0),
            cuts: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            silenced: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if serving.is_over.load(Ordering::Acquire) {
                    return;
                }
                let shared = Arc::clone(&serving);
                // An error is a connection that one side has closed, which is how they end.
                thread::spawn(move || shared.serve(client));
            }
        });
        Self { address, shared }
    }

    /// `url`, but through the proxy.
    pub fn url(&self, url: &str) -> String {
        url.replacen(host_of(url), &self.address.to_string(), 1)
    }

    /// From now on `decide` says what happens to each commit.
    pub fn on_commit(&self, decide: impl Fn(u64) -> Option<Cut> + Send + 'static) {
        *self.shared.decide.lock().unwrap() = Box::new(decide);
    }

    /// Commits seen so far.
    pub fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::Acquire)
    }

    /// Connections lost so far.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::Acquire)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

/// `host:port` of `postgres://user@host:port/database`.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    authority.rsplit('@').next().unwrap_or(authority)
}

impl Shared {
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let mut server = TcpStream::connect(self.upstream)?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
        }
        let is_cut = Arc::new(Mutex::new(None));
        let back = Back { server: server.try_clone()?, client: client.try_clone()?, cut: Arc::clone(&is_cut) };
        thread::spawn(move || back.copy());
        let result = self.forward(&mut client, &mut server, &is_cut);
        if *is_cut.lock().unwrap() == Some(Cut::Silence) {
            self.silenced.lock().unwrap().extend([client, server]);
        } else if is_cut.lock().unwrap().is_none() {
            let _ = server.shutdown(Shutdown::Both);
        }
        result
    }

    fn forward(&self, client: &mut TcpStream, server: &mut TcpStream, is_cut: &Mutex<Option<Cut>>) -> io::Result<()> {
        // Until the startup message, requests have no type: for TLS, which the server declines.
        let is_watched = loop {
            let message = read_message(client, 0)?;
            server.write_all(&message)?;
            // The protocol's version 3; others are requests.
            if message.get(4..6) == Some(&[0, 3]) {
                break String::from_utf8_lossy(&message).contains(&self.application);
            }
        };
        let mut commits = Commits::default();
        loop {
            let message = read_message(client, 1)?;
            if is_watched && commits.is_one(&message) {
                let number = self.commits.fetch_add(1, Ordering::AcqRel) + 1;
                let cut = (self.decide.lock().unwrap())(number);
                *is_cut.lock().unwrap() = cut;
                self.cuts.fetch_add(u64::from(cut.is_some()), Ordering::AcqRel);
                if cut == Some(Cut::BeforeCommit) {
                    client.shutdown(Shutdown::Both)?;
                    return server.shutdown(Shutdown::Both);
                }
            }
            server.write_all(&message)?;
        }
    }
}

/// What the server says, on its way to the client.
struct Back {
    server: TcpStream,
    client: TcpStream,
    cut: Arc<Mutex<Option<Cut>>>,
}

impl Back {
    fn copy(mut self) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = self.server.read(&mut buffer).unwrap_or(0);
            match *self.cut.lock().unwrap() {
                // Whatever it is, it is the answer to the COMMIT: all that was asked before has been answered.
                Some(Cut::Silence) => return,
                Some(_) => {
                    let _ = (self.client.shutdown(Shutdown::Both), self.server.shutdown(Shutdown::Both));
                    return;
                }
                None => {}
            }
            if read == 0 || self.client.write_all(&buffer[..read]).is_err() {
                let _ = self.client.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

/// A whole message: `kind` bytes of type, four of length (which counts itself), the rest.
fn read_message(stream: &mut TcpStream, kind: usize) -> io::Result<Vec<u8>> {
    let mut message = vec![0; kind + 4];
    stream.read_exact(&mut message)?;
    let length = u32::from_be_bytes([message[kind], message[kind + 1], message[kind + 2], message[kind + 3]]);
    let whole = kind + usize::try_from(length).map_err(io::Error::other)?;
    message.resize(whole.max(kind + 4), 0);
    stream.read_exact(&mut message[kind + 4..])?;
    Ok(message)
}

/// Knows a session's commits: a simple query whose text is COMMIT, or the execution of a prepared
/// statement that is a whole commit by itself.
#[derive(Default)]
struct Commits {
    /// The names of such statements.
    prepared: HashSet<Vec<u8>>,
}

impl Commits {
    fn is_one(&mut self, message: &[u8]) -> bool {
        let Some((kind, body)) = message.split_first().and_then(|(kind, rest)| Some((kind, rest.get(4..)?))) else { return false };
        let mut texts = body.split(|byte| *byte == 0);
        let (first, second) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
        match kind {
            b'Q' => first.eq_ignore_ascii_case(b"COMMIT"),
            // Parse: the statement's name, its text.
            b'P' => {
                if second.starts_with(b"-- commit_at_once\n") {
                    self.prepared.insert(first.to_vec());
                }
                false
            }
            // Bind: the portal's name, the statement's.
            b'B' => self.prepared.contains(second),
            _ => false,
        }
    }
}
