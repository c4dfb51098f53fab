//! A PostgreSQL server of a story's own, for what cannot be done to the one that all share.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::program::until;

/// The server, stopped and gone with the story.
pub struct Cluster {
    folder: tempfile::TempDir,
    port: u16,
    variables: Vec<String>,
}

impl Cluster {
    /// Makes one with a database `rekey` of its superuser `rekey`, and starts it.
    pub async fn start() -> Self {
        Self::start_with(Vec::new()).await
    }

    /// The same with variables of its environment: `LOCPATH=/tmp/locales`.
    pub async fn start_with(variables: Vec<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            // PostgreSQL refuses to run as root.
            assert!(Command::new("chown").arg("postgres:").arg(folder.path()).status().unwrap().success());
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Self { folder, port, variables };
        cluster.run(
            "initdb",
            &["--username=rekey", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"],
        );
        cluster.up();
        let url = cluster.url("postgres");
        until("the server takes connections", async || {
            diesel::Connection::establish(&url).ok().map(|_: diesel::PgConnection| ())
        })
        .await;
        super::database::run(&url, "CREATE DATABASE rekey");
        cluster
    }

    /// The URL of one of its databases.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://rekey@127.0.0.1:{}/{database}", self.port)
    }

    fn up(&self) {
        let path = self.folder.path().display();
        let options = format!(
            "-p {} -k {path} -c listen_addresses=127.0.0.1 -c fsync=off -c deadlock_timeout=100ms",
            self.port
        );
        let log = format!("--log={path}/log");
        self.run("pg_ctl", &["start", "--wait", "--silent", &log, &format!("--options={options}")]);
    }

    /// It is a standby from now on: it follows a server, and takes no writes.
    pub fn stand_by(&self) {
        self.run("pg_ctl", &["stop", "--silent", "--mode=fast"]);
        let signal = self.folder.path().join("data/standby.signal");
        std::fs::write(&signal, "").unwrap();
        if is_root() {
            assert!(Command::new("chown").arg("postgres:").arg(&signal).status().unwrap().success());
        }
        self.up();
    }

    /// It takes writes again.
    pub fn promote(&self) {
        self.run("pg_ctl", &["promote", "--wait", "--silent"]);
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let done = self.command(program, arguments).status().unwrap();
        assert!(done.success(), "{program} {arguments:?}");
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("env");
        if is_root() {
            command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--reset-env", "env"]);
        }
        command
            .args(&self.variables)
            .arg(server_program(program))
            .args(arguments)
            .arg("--pgdata")
            .arg(self.folder.path().join("data"));
        command.current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.command("pg_ctl", &["stop", "--silent", "--mode=immediate"]).status();
    }
}

/// Whether the suite runs as root.
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Debian keeps the server's programs off PATH.
fn server_program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let found = versions.filter_map(|version| Some(version.ok()?.path().join("bin").join(name)));
    found.filter(|path| path.exists()).max().unwrap_or_else(|| name.into())
}
