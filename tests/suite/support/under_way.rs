//! A request whose head and first bytes are with the program while the rest waits: what happens in between?

use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::app::TestApp;
use super::client::Reply;

/// How many bytes of the body the program has.
const FIRST: usize = 5;

/// A request of which the program knows the sender, and waits for the rest.
pub struct UnderWay {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl UnderWay {
    /// Sends the head and the first bytes of JSON; goes on once the sender was looked up in that table.
    pub async fn json(
        app: &TestApp,
        method: &str,
        path: &str,
        token: &str,
        body: Value,
        table: &str,
    ) -> Self {
        let head = format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\n");
        // JSON may be followed by spaces, so that there always is a rest.
        Self::begin(app, method, path, &head, format!("{body}      "), table).await
    }

    async fn begin(app: &TestApp, method: &str, path: &str, head: &str, body: String, table: &str) -> Self {
        let host = app.http.base().strip_prefix("http://").unwrap().to_owned();
        let (first, rest) = body.as_bytes().split_at(FIRST);
        let length = body.len();
        let mut stream = TcpStream::connect(&host).await.unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n{head}\r\n"
        );
        let statements = app.ctx.db.statements();
        statements.listen();
        stream.write_all(&[head.as_bytes(), first].concat()).await.unwrap();
        let looked_up = format!("FROM {table}");
        let is_it = |statement: &String| statement.replace(['"', '`', '('], "").contains(&looked_up);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(8);
        while !statements.take().iter().any(is_it) {
            assert!(std::time::Instant::now() < deadline, "nobody was looked up in {table}");
            tokio::task::yield_now().await;
        }
        Self { stream, rest: rest.to_vec() }
    }

    /// Sends the rest, and returns the answer.
    pub async fn end(mut self) -> Reply {
        self.stream.write_all(&self.rest).await.unwrap();
        let mut answer = Vec::new();
        self.stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(": ")) {
            headers.append(name.parse::<reqwest::header::HeaderName>().unwrap(), value.parse().unwrap());
        }
        Reply { status, headers, text: text.to_owned() }
    }
}
