//! A mail server of the measuring's own: takes every letter and keeps its text for whoever waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::Outcome;

/// How long a letter is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub(crate) struct Postbox {
    letters: Arc<Mutex<HashMap<String, Vec<String>>>>,
    came: Arc<Notify>,
    pub(crate) port: u16,
}

impl Postbox {
    pub(crate) async fn open() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let postbox = Self { letters: Arc::default(), came: Arc::default(), port };
        let kept = postbox.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = kept.clone();
                tokio::spawn(async move { kept.take(stream).await });
            }
        });
        Ok(postbox)
    }

    /// Waits for a line that `is_it` in a letter to `address`.
    pub(crate) async fn line(&self, address: &str, is_it: fn(&str) -> bool) -> String {
        loop {
            let came = self.came.notified();
            tokio::pin!(came);
            came.as_mut().enable();
            let found = self.letters.lock().unwrap_or_else(PoisonError::into_inner).get(address).and_then(
                |letters| {
                    letters
                        .iter()
                        .flat_map(|letter| letter.lines().map(str::trim))
                        .find(|line| is_it(line))
                        .map(str::to_owned)
                },
            );
            if let Some(line) = found {
                return line;
            }
            assert!(
                tokio::time::timeout(PATIENCE, came).await.is_ok(),
                "{address} waits for a letter in vain"
            );
        }
    }

    async fn take(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 postbox\r\n").await?;
        let (mut line, mut to) = (String::new(), String::new());
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let word = line.split([' ', '\r']).next().unwrap_or_default();
            let answer: &[u8] = match word {
                "DATA" => b"354 go on\r\n",
                "QUIT" => b"221 bye\r\n",
                _ => b"250 ok\r\n",
            };
            if word == "RCPT" {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            }
            stream.write_all(answer).await?;
            if word == "DATA" {
                let mut text = String::new();
                while !text.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut text).await? == 0 {
                        return Ok(());
                    }
                }
                self.letters
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .entry(to.clone())
                    .or_default()
                    .push(text);
                stream.write_all(b"250 taken\r\n").await?;
                self.came.notify_waiters();
            }
        }
    }
}
