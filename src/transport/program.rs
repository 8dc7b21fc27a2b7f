//! Runs a program for one request: feeds it, reads it, and leaves nothing of it behind.

use std::io::ErrorKind;
use std::path::Path;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{Instant, timeout_at};

use crate::group::{self, Group};
use crate::manifest::Timeouts;
use crate::measure::{Exhausted as _, Failure, now_ns, show_duration};
use crate::protocol::{CallFailure, ProcessRequest};
use crate::text::excerpt;

/// How much of its last line is repeated, in characters.
const LONGEST_LINE: usize = 120;

/// How much of what it wrote to its standard error is kept: the last of it says why it failed.
const KEPT_ERRORS: usize = 8 * 1024;

/// How long it is listened to after its end: what it wrote is in the pipe by then.
const SILENCE: Duration = Duration::from_millis(200);

/// A program that ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    /// Everything that it wrote to its standard output.
    pub(crate) output: Vec<u8>,
    /// When it had been started, in ns on the monotonic clock.
    pub(crate) started: u64,
    /// When it had taken all its input.
    pub(crate) sent: u64,
    /// When its first output came; `None` when there was none.
    pub(crate) first_byte: Option<u64>,
    /// When its last output came, or it ended without any.
    pub(crate) last_byte: u64,
    /// When it had ended.
    pub(crate) end: u64,
}

/// Runs the program to its end, within the timeouts and at most `max_bytes` of output. When it
/// ends, is late, or is no longer waited for, everything that it has started is killed; what has
/// left its process group by its own will is not.
pub(crate) async fn run(
    request: &ProcessRequest,
    timeouts: Timeouts,
    max_bytes: u64,
) -> Result<Finished, CallFailure> {
    let name = request.command[0].as_str();
    let deadline = Instant::now() + timeouts.total;
    let mut child = spawn(request)?;
    let started = now_ns();
    let mut said = Said::default();
    let work = converse(&mut child, request, timeouts, max_bytes, &mut said);
    let status = match timeout_at(deadline, work).await {
        Err(_) => {
            let limit = show_duration(timeouts.total);
            let detail = format!("`{name}` did not end within {limit}");
            return Err(CallFailure::new(Failure::Timeout, detail));
        }
        Ok(ended) => ended?,
    };
    if !status.success() {
        return Err(ended_badly(name, status, &said.errors));
    }
    let (end, output) = (now_ns(), said.output);
    Ok(Finished {
        started,
        sent: said.sent.unwrap_or(end),
        first_byte: output.first,
        last_byte: output.last.unwrap_or(end),
        end,
        output: output.bytes,
    })
}

/// What a program has taken and written so far.
#[derive(Default)]
struct Said {
    sent: Option<u64>,
    output: Output,
    errors: Vec<u8>,
}

/// Feeds and reads a program until it has ended.
async fn converse(
    child: &mut Child,
    request: &ProcessRequest,
    timeouts: Timeouts,
    max_bytes: u64,
    said: &mut Said,
) -> Result<ExitStatus, CallFailure> {
    let name = request.command[0].as_str();
    let group = Group::led_by(child.id());
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let talk = async {
        // Whatever is wrong with the output ends it, whether or not the program goes on.
        tokio::try_join!(
            async {
                said.sent = Some(feed(stdin, &request.input).await);
                Ok(())
            },
            read(stdout, timeouts, max_bytes, name, &mut said.output),
            async {
                keep_last(stderr, &mut said.errors).await;
                Ok(())
            },
        )
    };
    // What it started ends with it: the answer is that of the program itself.
    let over = async {
        let status = child.wait().await;
        group.kill();
        status.map_err(|error| unstarted(name, &error))
    };
    let (mut talk, mut over) = (pin!(talk), pin!(over));
    tokio::select! {
        heard = &mut talk => {
            heard?;
            over.await
        }
        status = &mut over => {
            // Whoever left its group may hold the pipe open for ever.
            let rest = timeout_at(Instant::now() + SILENCE, talk).await;
            rest.unwrap_or(Ok(((), (), ())))?;
            status
        }
    }
}

fn spawn(request: &ProcessRequest) -> Result<Child, CallFailure> {
    let name = request.command[0].as_str();
    // A path is relative to the manifest, like every path in it; a bare name is looked up in PATH.
    let program = if name.contains('/') && !Path::new(name).is_absolute() {
        std::path::absolute(request.folder.join(name)).unwrap_or_else(|_| request.folder.join(name))
    } else {
        name.into()
    };
    let mut command = Command::new(program);
    command
        .args(&request.command[1..])
        .envs(request.variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env(group::VARIABLE, group::mark())
        .kill_on_drop(true);
    if !request.folder.as_os_str().is_empty() {
        command.current_dir(&request.folder);
    }
    #[cfg(unix)]
    command.process_group(0);
    command.spawn().map_err(|error| unstarted(name, &error))
}

/// Writes the input and returns when the program had it all; one that does not read its input to
/// the end may be right.
async fn feed(stdin: Option<ChildStdin>, input: &[u8]) -> u64 {
    if let Some(mut stdin) = stdin {
        let written = stdin.write_all(input).await;
        drop(written.and(stdin.shutdown().await));
    }
    now_ns()
}

#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    first: Option<u64>,
    last: Option<u64>,
}

async fn read(
    stdout: Option<impl AsyncRead + Unpin>,
    timeouts: Timeouts,
    max_bytes: u64,
    name: &str,
    output: &mut Output,
) -> Result<(), CallFailure> {
    let Some(mut stdout) = stdout else {
        return Ok(());
    };
    let begun = Instant::now();
    loop {
        let limit = if output.first.is_none() {
            timeouts
                .first_token
                .map(|limit| (begun + limit, limit, "wrote nothing within"))
        } else {
            let idle = timeouts.idle;
            idle.map(|limit| (Instant::now() + limit, limit, "wrote nothing more for"))
        };
        let read = stdout.read_buf(&mut output.bytes);
        let count = match limit {
            None => read.await,
            Some((until, limit, said)) => {
                let Ok(count) = timeout_at(until, read).await else {
                    let detail = format!("`{name}` {said} {}", show_duration(limit));
                    return Err(CallFailure::new(Failure::Timeout, detail));
                };
                count
            }
        };
        let now = now_ns();
        match count {
            Ok(0) => return Ok(()),
            Ok(_) if output.bytes.len() as u64 > max_bytes => {
                return Err(CallFailure::too_large(&format!("`{name}`"), max_bytes));
            }
            Ok(_) => {
                output.first.get_or_insert(now);
                output.last = Some(now);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                let detail = format!("the output of `{name}` cannot be read: {error}");
                return Err(CallFailure::new(Failure::Reset, detail));
            }
        }
    }
}

async fn keep_last(stderr: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut stderr) = stderr else {
        return;
    };
    let mut read = Vec::with_capacity(KEPT_ERRORS);
    let mut is_skipping = false;
    while let Ok(1..) = stderr.read_buf(&mut read).await {
        keep(kept, &mut is_skipping, &read);
        read.clear();
    }
}

/// Keeps the last lines, each from its start on: one that began in the middle might begin in the
/// middle of a secret. Of a long line its beginning is kept; the rest of it is skipped.
fn keep(kept: &mut Vec<u8>, is_skipping: &mut bool, bytes: &[u8]) {
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        if !*is_skipping {
            let line = kept.iter().rposition(|byte| *byte == b'\n');
            let length = kept.len() - line.map_or(0, |at| at + 1);
            let room = (KEPT_ERRORS / 2).saturating_sub(length);
            *is_skipping = piece.len() > room;
            kept.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        if piece.ends_with(b"\n") && std::mem::take(is_skipping) {
            kept.push(b'\n');
        }
    }
    let surplus = kept.len().saturating_sub(KEPT_ERRORS);
    if surplus > 0 {
        let line = kept[surplus - 1..].iter().position(|byte| *byte == b'\n');
        kept.drain(..line.map_or(kept.len(), |at| surplus + at));
    }
}

fn unstarted(name: &str, error: &std::io::Error) -> CallFailure {
    let failure = if error.cannot_start() {
        Failure::Exhausted
    } else {
        Failure::Start
    };
    CallFailure::new(failure, format!("`{name}` cannot be started: {error}"))
}

fn ended_badly(name: &str, status: ExitStatus, errors: &[u8]) -> CallFailure {
    let text = String::from_utf8_lossy(errors);
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    let said = last.map(|line| format!(": {}", excerpt(line.as_bytes(), LONGEST_LINE)));
    let code = exit_code(status);
    let detail = format!("`{name}` ended with {status}{}", said.unwrap_or_default());
    CallFailure::new(Failure::Exit(code), detail)
}

/// Returns the exit code; for a program that a signal ended, 128 and the signal's number, as shells
/// have it.
fn exit_code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if let Some(signal) = status.signal() {
            return 128 + signal;
        }
    }
    status.code().unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, input: &str, timeouts: Timeouts) -> Result<Finished, CallFailure> {
        let request = ProcessRequest {
            command: ["sh", "-c", script].map(str::to_owned).to_vec(),
            input: input.to_owned().into(),
            folder: std::path::PathBuf::new(),
            documents: None,
            is_traced: false,
            variables: Vec::new(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(run(&request, timeouts, 100_000))
    }

    fn within(millis: u64) -> Timeouts {
        Timeouts {
            connect: None,
            first_token: None,
            idle: None,
            total: Duration::from_millis(millis),
        }
    }

    #[test]
    fn what_goes_in_can_come_out() {
        // More than a pipe holds, in both directions at once.
        let input = "x".repeat(99_000);
        let found = shell("cat", &input, within(20_000)).unwrap();
        assert_eq!(found.output, input.as_bytes());
        assert!(found.started <= found.first_byte.unwrap());
        assert!(found.first_byte.unwrap() <= found.last_byte && found.last_byte <= found.end);
    }

    #[test]
    fn a_program_may_ignore_its_input() {
        let found = shell("echo 1", &"x".repeat(99_000), within(20_000)).unwrap();
        assert_eq!(found.output, b"1\n");
    }

    #[test]
    fn a_failure_is_told_with_its_last_line() {
        let error = shell(
            "echo first >&2; echo second >&2; exit 3",
            "",
            within(20_000),
        )
        .unwrap_err();
        assert_eq!(error.failure, Failure::Exit(3));
        assert_eq!(error.detail, "`sh` ended with exit status: 3: second");
        let killed = shell("kill -9 $$", "", within(20_000)).unwrap_err();
        assert_eq!(killed.failure, Failure::Exit(137));
    }

    #[test]
    fn a_late_program_is_killed_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, reading) = held_open(folder.path());
        let script = format!("sleep 30 > {} & sleep 30", pipe.display());
        let begun = std::time::Instant::now();
        let error = shell(&script, "", within(200)).unwrap_err();
        assert_eq!(error.failure, Failure::Timeout);
        assert_eq!(reading.join().unwrap(), b"");
        assert!(begun.elapsed() < Duration::from_secs(20));
    }

    /// Reads a pipe to its end: when everybody has closed it who could write into it, or is dead.
    fn held_open(folder: &Path) -> (std::path::PathBuf, std::thread::JoinHandle<Vec<u8>>) {
        let pipe = folder.join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let reading = pipe.clone();
        let reading = std::thread::spawn(move || std::fs::read(reading).unwrap());
        (pipe, reading)
    }

    // security 7
    #[test]
    fn nothing_that_a_program_started_outlives_it() {
        for end in ["echo 1", "echo 1; exit 3"] {
            let folder = tempfile::tempdir().unwrap();
            let (pipe, reading) = held_open(folder.path());
            // Its streams are closed, so that nobody would wait for it.
            let pipe = pipe.display();
            let script =
                format!("exec 3> {pipe}; sleep 300 >&3 2>&1 < /dev/null & exec 3>&-; {end}");
            let begun = std::time::Instant::now();
            let ended = shell(&script, "", within(20_000));
            assert_eq!(reading.join().unwrap(), b"");
            assert_eq!(ended.is_ok(), end == "echo 1");
            assert!(begun.elapsed() < Duration::from_secs(15));
        }
    }

    // security 7
    #[test]
    fn an_answer_is_taken_when_its_program_has_ended_whoever_holds_the_pipe() {
        let begun = std::time::Instant::now();
        let found = shell("sleep 300 & echo 1", "", within(20_000)).unwrap();
        assert_eq!(found.output, b"1\n");
        // It has left the group, and ends by itself.
        let found = shell("setsid sleep 3 & echo 2", "", within(20_000)).unwrap();
        assert_eq!(found.output, b"2\n");
        assert!(begun.elapsed() < Duration::from_secs(15));
    }

    /// security 6
    #[test]
    fn what_is_kept_of_errors_begins_at_a_line() {
        let kept = |pieces: &[&[u8]]| {
            let (mut kept, mut is_skipping) = (Vec::new(), false);
            for piece in pieces {
                keep(&mut kept, &mut is_skipping, piece);
            }
            assert!(kept.len() <= KEPT_ERRORS);
            String::from_utf8(kept).unwrap()
        };
        assert_eq!(kept(&[b"one\ntw", b"o\n"]), "one\ntwo\n");
        let long = "x".repeat(3 * KEPT_ERRORS);
        let line = kept(&[b"begin ", long.as_bytes(), b"\nend"]);
        assert!(
            line.starts_with("begin xxx") && line.ends_with("x\nend"),
            "{line}"
        );
        let many: Vec<String> = (0..9000).map(|at| format!("line {at}\n")).collect();
        let many: Vec<&[u8]> = many.iter().map(String::as_bytes).collect();
        let last = kept(&many);
        assert!(last.starts_with("line ") && last.ends_with("line 8999\n"));
        let whole = "secret ".repeat(1000) + "\n";
        let two = kept(&[whole.as_bytes(), whole.as_bytes(), b"last"]);
        assert!(
            two.starts_with("secret ") && two.ends_with("\nlast"),
            "{two}"
        );
    }

    #[test]
    fn too_much_output_silence_and_no_program_are_told_apart() {
        let error = shell("head -c 200000 /dev/zero", "", within(20_000)).unwrap_err();
        assert_eq!(error.failure, Failure::TooLarge);
        let silent = Timeouts {
            first_token: Some(Duration::from_millis(50)),
            ..within(20_000)
        };
        let error = shell("sleep 20", "", silent).unwrap_err();
        assert_eq!(error.detail, "`sh` wrote nothing within 50ms");
        let request = ProcessRequest {
            command: vec!["no-such-program".to_owned()],
            input: bytes::Bytes::new(),
            folder: std::path::PathBuf::new(),
            documents: None,
            is_traced: false,
            variables: Vec::new(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let error = runtime
            .unwrap()
            .block_on(run(&request, within(1000), 10))
            .unwrap_err();
        assert_eq!(error.failure, Failure::Start);
    }
}
