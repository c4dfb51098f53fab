//! A demo of its own: a fresh program in a fresh folder, gone with the story.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

pub(crate) struct Demo {
    child: Child,
    /// Where it is served, without a slash at the end.
    pub(crate) url: String,
    home: tempfile::TempDir,
}

impl Demo {
    /// Starts it and waits until it says that it is ready.
    pub(crate) fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let listen = format!("127.0.0.1:{}", free_port());
        let mut child = Command::new(env!("CARGO_BIN_EXE_rekey"))
            .args(["demo", "--listen", &listen])
            .current_dir(home.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(said.any(|line| line.unwrap().contains("ready")), "the demo did not start");
        // Whatever it says later is read away, so that it never waits for a reader.
        std::thread::spawn(move || said.for_each(drop));
        Self { child, url: format!("http://{listen}"), home }
    }
}

impl Demo {
    /// Runs a command of the program on the demo's database.
    pub(crate) fn rekey(&self, arguments: &[&str]) {
        let folder = self.home.path().join("var/demo");
        let done = Command::new(env!("CARGO_BIN_EXE_rekey"))
            .args(arguments)
            .env("REKEY__DATABASE__URL", format!("sqlite://{}", folder.join("rekey.db").display()))
            .env("REKEY__KEYS__FILE", folder.join("keys.toml"))
            .env("REKEY__KEYS__CHECKPOINTS_FILE", folder.join("checkpoints.log"))
            .output()
            .unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stdout));
    }

    /// A file of its own.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
