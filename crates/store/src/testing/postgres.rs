//! A private PostgreSQL for tests, from the distribution's packages.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Makes a cluster in a directory of its own, says where, stops and starts it when it is told to, and ends it with the
/// directory when its input closes: that happens however the process that started it ends.
const SUPERVISE: &str = r#"
set -eu
bin=$1
dir=$(mktemp -d /tmp/seatpool-postgres.XXXXXX)
start() {
    "$bin/pg_ctl" start -w -s -D "$dir/data" -l "$dir/log" -o \
        "-k $dir -c listen_addresses= -c fsync=off -c shared_buffers=16MB -c max_connections=50 -c autovacuum=off" \
        >/dev/null 2>&1 || { cat "$dir/log" >&2; exit 1; }
}
stop() {
    "$bin/pg_ctl" stop -m immediate -w -s -D "$dir/data" >/dev/null 2>&1
}
trap 'rm -rf "$dir"' EXIT
"$bin/initdb" -D "$dir/data" -U seatpool -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/log" 2>&1 \
    || { cat "$dir/log" >&2; exit 1; }
start
trap 'stop || true; rm -rf "$dir"' EXIT
echo "$dir"
while read -r order; do
    case $order in
        stop) stop ;;
        start) start ;;
    esac
    echo "$order"
done
"#;

/// A private PostgreSQL on a socket in a temporary directory. It ends with the process that started it, however
/// that ends.
pub struct PrivatePostgres {
    folder: PathBuf,
    programs: PathBuf,
    databases: AtomicU32,
    // Closed when the process ends, which ends the cluster.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    supervisor: Child,
}

impl PrivatePostgres {
    /// The one of this process, started with the first call.
    ///
    /// # Errors
    /// Says which package to install if PostgreSQL isn't there, or what PostgreSQL said.
    pub fn shared() -> Result<&'static Self, String> {
        static SHARED: OnceLock<Result<PrivatePostgres, String>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref().map_err(Clone::clone)
    }

    /// Starts one.
    pub fn start() -> Result<Self, String> {
        let programs = programs()?;
        let mut command = as_ordinary_user();
        command.args(["sh", "-c", SUPERVISE, "sh"]).arg(&programs).current_dir("/");
        let mut supervisor = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A signal to the tests' process group leaves it to the closed input to end the cluster.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("PostgreSQL can't be started: {error}"))?;
        let mut line = String::new();
        let output = supervisor.stdout.take().ok_or("PostgreSQL's supervisor has no output")?;
        let mut output = BufReader::new(output);
        let _ = output.read_line(&mut line);
        if line.trim().is_empty() {
            let mut said = String::new();
            if let Some(mut errors) = supervisor.stderr.take() {
                let _ = errors.read_to_string(&mut said);
            }
            let _ = supervisor.wait();
            return Err(format!("PostgreSQL did not start: {said}"));
        }
        Ok(Self {
            folder: PathBuf::from(line.trim()),
            programs,
            databases: AtomicU32::new(0),
            input: supervisor.stdin.take(),
            output,
            supervisor,
        })
    }

    /// Stops it as a crash does: every connection breaks, and new ones are refused until [`resume`](Self::resume).
    ///
    /// # Errors
    /// Says what PostgreSQL said.
    pub fn halt(&mut self) -> Result<(), String> {
        self.order("stop")
    }

    /// Starts it again after [`halt`](Self::halt), with all that was committed.
    ///
    /// # Errors
    /// Says what PostgreSQL said.
    pub fn resume(&mut self) -> Result<(), String> {
        self.order("start")
    }

    /// Tells the supervisor, and waits until it is done.
    fn order(&mut self, word: &str) -> Result<(), String> {
        let mut said = String::new();
        let told = self.input.as_mut().map(|input| writeln!(input, "{word}"));
        if matches!(told, Some(Ok(()))) {
            let _ = self.output.read_line(&mut said);
        }
        if said.trim() == word {
            return Ok(());
        }
        if let Some(mut errors) = self.supervisor.stderr.take() {
            let _ = errors.read_to_string(&mut said);
        }
        Err(format!("PostgreSQL did not {word}: {said}"))
    }

    /// The URL of a new, empty database: a schema of its own in one database, which is made ten times as fast as a
    /// database.
    pub fn database(&self) -> Result<String, String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let created = Command::new(self.programs.join("psql"))
            .args(["-q", "-U", "seatpool", "-d", "postgres", "-c", &format!("CREATE SCHEMA {name}"), "-h"])
            .arg(&self.folder)
            .output()
            .map_err(|error| format!("psql can't be started: {error}"))?;
        if !created.status.success() {
            return Err(String::from_utf8_lossy(&created.stderr).into_owned());
        }
        let socket = self.folder.display();
        Ok(format!("postgres://seatpool@localhost/postgres?host={socket}&options=-c%20search_path%3D{name}"))
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.supervisor.wait();
    }
}

/// The newest PostgreSQL's programs.
fn programs() -> Result<PathBuf, String> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop().map(|(_, bin)| bin).ok_or_else(|| {
        "PostgreSQL is not installed, and these tests need it: install the package postgresql (Debian and Ubuntu: \
         apt-get install --no-install-recommends postgresql)"
            .to_owned()
    })
}

/// A command that runs the rest of its arguments as a user that PostgreSQL accepts: it refuses root.
fn as_ordinary_user() -> Command {
    let is_root =
        std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !is_root {
        return Command::new("env");
    }
    let users = std::fs::read_to_string(Path::new("/etc/passwd")).unwrap_or_default();
    let has_own = users.lines().any(|line| line.starts_with("postgres:"));
    let (user, group) = if has_own { ("postgres", "postgres") } else { ("nobody", "nogroup") };
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()]);
    command
}
