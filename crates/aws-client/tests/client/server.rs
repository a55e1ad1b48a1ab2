//! A server that answers canned bytes, or fails to.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ohfp_aws_client::{Client, ClientConfig, Endpoints, StaticKeys};
use ohfp_broker::Deadline;

/// What the server does with a request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Status and body.
    Answer(u16, String),
    /// Status, more header lines, and body.
    With(u16, &'static str, String),
    /// Reads the request and closes.
    Close,
    /// Reads the request and never answers.
    Silence,
    /// Announces all of the body and sends half of it.
    Half(u16, String),
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// `POST / HTTP/1.1`
    pub(crate) line: String,
    /// Header lines.
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

impl Received {
    /// The value of a member of the query form.
    pub(crate) fn member(&self, name: &str) -> Option<String> {
        let mut members = self.body.split('&').filter_map(|member| member.split_once('='));
        members.find(|(known, _)| *known == name).map(|(_, value)| unescape(value))
    }

    /// All members, sorted, as `NAME=VALUE`.
    pub(crate) fn members(&self) -> Vec<String> {
        let mut members: Vec<String> = self.body.split('&').map(unescape).collect();
        members.sort();
        members
    }
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            b'+' => bytes.push(b' '),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// The server. It lives as long as the test's process.
pub(crate) struct Server {
    pub(crate) address: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    /// Answers the first requests by these replies in turn, and all others by the last of them.
    pub(crate) fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let received = Arc::new(Mutex::new(Vec::new()));
        let replies = Arc::new(Mutex::new(replies.into_iter().collect::<VecDeque<_>>()));
        let kept = Arc::clone(&received);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (kept, replies) = (Arc::clone(&kept), Arc::clone(&replies));
                thread::spawn(move || serve(stream.unwrap(), &kept, &replies));
            }
        });
        Self { address, received }
    }

    /// An address where no program listens.
    pub(crate) fn absent() -> String {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(crate) fn calls(&self) -> usize {
        self.received.lock().unwrap().len()
    }

    pub(crate) fn client(&self) -> Client {
        client(&self.url())
    }
}

/// A client with keys, whose endpoint is this.
pub(crate) fn client(endpoint: &str) -> Client {
    Client::new(config(endpoint))
}

pub(crate) fn config(endpoint: &str) -> ClientConfig {
    ClientConfig {
        region: Some("eu-central-1".to_owned()),
        keys: Some(StaticKeys {
            access_key_id: "AKIDTEST".to_owned(),
            secret_access_key: "hush".to_owned(),
            session_token: None,
        }),
        endpoints: Endpoints { all: Some(endpoint.to_owned()), ..Endpoints::default() },
        ..ClientConfig::default()
    }
}

pub(crate) fn within(seconds: u64) -> Deadline {
    Deadline::at(Instant::now() + Duration::from_secs(seconds))
}

fn serve(stream: TcpStream, kept: &Mutex<Vec<Received>>, replies: &Mutex<VecDeque<Reply>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    while let Some(request) = read(&mut reader) {
        kept.lock().unwrap().push(request);
        let reply = {
            let mut replies = replies.lock().unwrap();
            if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() }
        };
        let whole = |status: u16, headers: &str, body: &str| {
            let length = body.len();
            format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
        };
        match reply.unwrap() {
            Reply::Answer(status, body) => stream.write_all(whole(status, "", &body).as_bytes()).unwrap(),
            Reply::With(status, headers, body) => {
                stream.write_all(whole(status, headers, &body).as_bytes()).unwrap();
            }
            Reply::Close => {
                let _ = stream.shutdown(Shutdown::Both);
                return;
            }
            Reply::Silence => loop {
                thread::park();
            },
            Reply::Half(status, body) => {
                let whole = whole(status, "", &body);
                stream.write_all(&whole.as_bytes()[..whole.len() - body.len() / 2]).unwrap();
                let _ = stream.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut headers = Vec::new();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim_end();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        headers.push(header.to_owned());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received { line: line.trim_end().to_owned(), headers, body: String::from_utf8(body).unwrap() })
}

/// An error as EC2 writes it.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::Answer(
        status,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code}</Code>\
             <Message>{message}</Message></Error></Errors><RequestID>bd5b4071</RequestID></Response>"
        ),
    )
}

/// An answer of EC2 with these members.
pub(crate) fn answer(action: &str, members: &str) -> Reply {
    Reply::Answer(
        200,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{action}Response \
             xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>bd5b4071</requestId>{members}\
             </{action}Response>"
        ),
    )
}

/// Whether the last call had these members, in any order.
pub(crate) fn check(server: &Server, members: impl IntoIterator<Item = impl Into<String>>) {
    let mut expected: Vec<String> = members.into_iter().map(Into::into).collect();
    expected.sort();
    let received = server.received();
    let mut found = received.last().unwrap().members();
    found.retain(|member| !member.starts_with("Version="));
    assert_eq!(found, expected);
}
