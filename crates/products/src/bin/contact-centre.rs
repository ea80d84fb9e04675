//! A small contact centre: operators sign in and out, and its agent says how far it may go.

use core::time::Duration;
use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use seatpool_agentd::client::{Client, Lines};
use seatpool_agentd::complaint::complaint;
use seatpool_products::centre::Centre;
use seatpool_products::clock::Clock;
use seatpool_products::command::{Command, Plan};
use seatpool_products::desk::{Desk, Done};
use seatpool_products::licensing::Licensing;
use serde::Serialize;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

/// How often an agent that has gone is looked for.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A small contact centre. It takes commands on standard input, on a socket and from a shift plan, one a
/// line: sign-in N standard/premium, sign-out N (standard/premium), add-users N, status, quit.
#[derive(Debug, Parser)]
#[command(name = "contact-centre", version)]
struct Flags {
    /// The agent's socket
    #[arg(long, env = "SEATPOOL_AGENTD_SOCKET")]
    agent: PathBuf,
    /// Socket on which commands are taken, beside standard input
    #[arg(long)]
    listen: Option<PathBuf>,
    /// Shift plan: lines of a time (HH:MM or HH:MM:SS after the start, by the agent's clock) and a command
    #[arg(long)]
    plan: Option<PathBuf>,
    /// Seats that this installation can hold
    #[arg(long, default_value_t = 400)]
    capacity: u64,
    /// Users that are known from the start
    #[arg(long, default_value_t = 0)]
    users: u64,
    /// Say what is done as JSON, one object a line
    #[arg(long)]
    json: bool,
}

/// A command, and where its outcome goes besides standard output.
type Order = (Command, Option<oneshot::Sender<Reply>>);

/// An outcome for someone at the socket; `written` goes when it is on its way.
struct Reply {
    text: String,
    _written: oneshot::Sender<()>,
}

/// What the agent's stream brings.
enum Heard {
    /// An alert or event.
    Event(serde_json::Value),
    /// The agent has gone.
    Gone,
    /// It is there again.
    Back,
}

/// The agent's stream, opened anew when the agent was restarted.
struct Ear {
    licensing: Licensing,
    lines: Option<Lines>,
}

impl Ear {
    async fn next(&mut self) -> Heard {
        if let Some(lines) = &mut self.lines {
            if let Ok(Some(event)) = lines.next().await {
                return Heard::Event(event);
            }
            self.lines = None;
            return Heard::Gone;
        }
        loop {
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
            if let Ok(lines) = self.licensing.alerts().await {
                self.lines = Some(lines);
                return Heard::Back;
            }
        }
    }
}

/// A line of the agent's, passed on.
#[derive(Debug, Serialize)]
struct FromAgent {
    agent: serde_json::Value,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run(flags))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", complaint("contact-centre", &error));
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: Flags) -> anyhow::Result<()> {
    let plan = match &flags.plan {
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("the shift plan {} can't be read", path.display()))?
            .parse()?,
        None => Plan::default(),
    };
    let licensing = Licensing::open(Client::new(&flags.agent)).await?;
    let time_lapse = licensing.clock().await?.time_lapse;
    let clock = Clock(time_lapse.map(|text| text.parse()).transpose()?);
    let mut ear = Ear { lines: Some(licensing.alerts().await?), licensing: licensing.clone() };
    let mut desk = Desk::open(Centre::new(flags.capacity, flags.users), licensing, clock).await?;

    let (orders, mut waiting) = mpsc::channel::<Order>(16);
    let listener = flags.listen.as_ref().map(listen).transpose()?;
    read_standard_input(orders.clone(), flags.json);
    let steps = tokio::spawn(follow(plan, clock, orders.clone()));
    let stays = listener.is_some();
    if let Some(listener) = listener {
        tokio::spawn(accept(listener, orders.clone(), flags.json));
    }
    drop(orders);

    loop {
        let order = tokio::select! {
            order = waiting.recv() => order,
            heard = ear.next() => {
                match heard {
                    Heard::Event(agent) => say_agent(&agent, flags.json)?,
                    Heard::Gone => eprintln!("contact-centre: the agent has gone; seats stay, and no more may sign in"),
                    // It may have forgotten the last minute.
                    Heard::Back => match desk.report().await {
                        Ok(()) => eprintln!("contact-centre: the agent is back"),
                        Err(error) => eprintln!("contact-centre: the agent is back, but: {error:#}"),
                    },
                }
                continue;
            }
        };
        // All who could give orders are gone.
        let Some((command, reply)) = order else { break };
        let text = match desk.carry_out(command).await {
            Ok(done) => words(&done, flags.json)?,
            Err(error) => problem(&format!("{error:#}"), flags.json),
        };
        say(&text)?;
        if let Some(reply) = reply {
            let (written, on_its_way) = oneshot::channel();
            // Who asked may have gone.
            let _ = reply.send(Reply { text, _written: written });
            if command == Command::Quit {
                // Before the process ends, who asked for it is told.
                let _ = on_its_way.await;
            }
        }
        if command == Command::Quit {
            break;
        }
    }
    steps.abort();
    if stays && let Some(path) = &flags.listen {
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

fn listen(path: &PathBuf) -> anyhow::Result<UnixListener> {
    // A socket that a killed process left is in the way of no one else.
    if std::os::unix::net::UnixStream::connect(path).is_err() {
        let _ = std::fs::remove_file(path);
    }
    UnixListener::bind(path).with_context(|| format!("the socket {} can't be made", path.display()))
}

/// Standard input is read by a thread of its own, which ends with the process.
fn read_standard_input(orders: mpsc::Sender<Order>, json: bool) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if line.trim().is_empty() {
                continue;
            }
            match line.parse() {
                Ok(command) => {
                    if orders.blocking_send((command, None)).is_err() {
                        return;
                    }
                }
                Err(error) => {
                    let _ = say(&problem(&error.to_string(), json));
                }
            }
        }
    });
}

async fn follow(plan: Plan, clock: Clock, orders: mpsc::Sender<Order>) {
    let start = clock.now();
    for (span, command) in plan.0 {
        clock.sleep_until(start, span).await;
        if orders.send((command, None)).await.is_err() {
            return;
        }
    }
}

async fn accept(listener: UnixListener, orders: mpsc::Sender<Order>, json: bool) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, orders.clone(), json));
    }
}

async fn serve(stream: UnixStream, orders: mpsc::Sender<Order>, json: bool) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let reply = match line.parse() {
            Ok(command) => {
                let (reply, answer) = oneshot::channel();
                if orders.send((command, Some(reply))).await.is_err() {
                    return;
                }
                let Ok(reply) = answer.await else { return };
                reply
            }
            Err(error) => Reply { text: problem(&error.to_string(), json), _written: oneshot::channel().0 },
        };
        if write.write_all(format!("{}\n", reply.text).as_bytes()).await.is_err() {
            return;
        }
    }
}

fn words(done: &Done, json: bool) -> anyhow::Result<String> {
    Ok(if json { serde_json::to_string(done)? } else { done.to_string() })
}

fn problem(words: &str, json: bool) -> String {
    if json { serde_json::json!({ "error": words }).to_string() } else { format!("error: {words}") }
}

fn say_agent(agent: &serde_json::Value, json: bool) -> anyhow::Result<()> {
    if json {
        return say(&serde_json::to_string(&FromAgent { agent: agent.clone() })?);
    }
    let text = agent.get("message").and_then(serde_json::Value::as_str).unwrap_or("events were missed");
    say(&format!("agent: {text}"))
}

fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
