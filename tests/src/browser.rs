//! A browser that opens a page and takes a picture of it, and what it has to say.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::target;

/// Chromium without a window.
#[derive(Debug)]
pub struct Browser {
    program: PathBuf,
}

/// What opening a page came to.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    /// What the page had to say to its console, errors of loading included.
    pub console: Vec<String>,
    /// Paths that were asked of the server of the page, in this order.
    pub requests: Vec<String>,
}

impl Browser {
    /// The browser that `cargo xtask test` has found, or one that is installed; `None`, with a note on standard error,
    /// where there is none.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    pub fn find() -> Option<Self> {
        let named = std::env::var_os("OHFP_TEST_BROWSER").map(PathBuf::from);
        let installed =
            ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].map(PathBuf::from);
        let unpacked = target().join("chromium/chromium.sh");
        let found = named.into_iter().chain(installed).chain([unpacked]).find(|program| program.is_file());
        if found.is_none() {
            eprintln!("note: there is no Chromium here, so the page is NOT opened in a browser");
        }
        found.map(|program| Self { program })
    }

    /// Opens a page in a window of this size and takes a picture. `directory` is for the browser's own files.
    pub fn open(&self, page: &str, size: (u32, u32), dark: bool, picture: &Path, directory: &Path) -> Opened {
        let server = Server::start(page);
        let (width, height) = size;
        let mut command = Command::new(&self.program);
        command
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"])
            .args(["--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking"])
            .args([
                "--disable-component-update",
                "--disable-sync",
                "--enable-logging=stderr",
                "--log-level=0",
            ])
            .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
            .arg(format!("--user-data-dir={}", directory.display()))
            .arg(format!("--window-size={width},{height}"))
            .arg(format!("--screenshot={}", picture.display()));
        if dark {
            command.arg("--force-dark-mode").arg("--blink-settings=preferredColorScheme=0");
        }
        command.arg(format!("http://{}/page", server.address)).stdin(Stdio::null());
        let ended = crate::ended(&mut command);
        assert!(picture.is_file(), "no picture was taken: {}", ended.stderr);
        let console =
            ended.stderr.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
        Opened { console, requests: server.requests.lock().unwrap().clone() }
    }
}

/// Serves one page, and remembers what is asked for.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(page: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (page, asked) = (page.to_owned(), Arc::clone(&requests));
        // It ends with the process of the test.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (page, asked) = (page.clone(), Arc::clone(&asked));
                std::thread::spawn(move || answer(stream, &page, &asked));
            }
        });
        Self { address, requests }
    }
}

fn answer(mut stream: TcpStream, page: &str, asked: &Mutex<Vec<String>>) {
    let Ok(copy) = stream.try_clone() else { return };
    let mut lines = BufReader::new(copy).lines().map_while(Result::ok);
    // A browser opens connections ahead, and asks nothing of them.
    let Some(first) = lines.next() else { return };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let found = path == "/page";
    asked.lock().unwrap().push(path);
    let _ = lines.find(String::is_empty);
    let (status, body) = if found { ("200 OK", page) } else { ("404 Not Found", "") };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}
