//! `stagegate calibrate`: this machine's own floor, measured against the reference server.

use std::time::Duration;

use clap::Args;
use url::Url;

use super::Context;
use crate::error::Result;
use crate::exit::Status;
use crate::experiment::{NoReference, calibrate_against, calibrate_machine};
use crate::measure::{Rate, parse_duration};
use crate::reference::{Reference, Script};
use crate::report::View;
use crate::store::Store;

/// Measure this machine's own floor: schedule lag, TTFT and gap error, highest rate, most streams
#[derive(Args, Clone, Debug)]
pub(crate) struct CalibrateArgs {
    /// Only serve the reference server, to hold other load generators against it
    #[arg(long)]
    serve: bool,
    /// Only measure TTFT and gap error, against a reference server that this machine serves at this
    /// address
    #[arg(long, value_name = "URL", conflicts_with = "serve")]
    against: Option<Url>,
    /// Open so many streams a second there
    #[arg(
        long,
        value_name = "RATE",
        requires = "against",
        default_value = "60/s"
    )]
    rate: Rate,
    /// Measure for so long there
    #[arg(long, value_name = "D", requires = "against", value_parser = parse_duration, default_value = "10s")]
    duration: Duration,
    #[command(flatten)]
    script: ScriptArgs,
}

/// What the reference server does when it is only served.
#[derive(Args, Clone, Debug)]
struct ScriptArgs {
    /// Serve on this port [default: a free one]
    #[arg(
        long,
        value_name = "P",
        requires = "serve",
        default_value = "0",
        hide_default_value = true
    )]
    port: u16,
    /// Wait so long before a plain answer
    #[arg(long, value_name = "D", requires = "serve", value_parser = parse_duration, default_value = "0s")]
    delay: Duration,
    /// Wait so long before the first token of a stream
    #[arg(long, value_name = "D", requires = "serve", value_parser = parse_duration, default_value = "50ms")]
    ttft: Duration,
    /// Wait so long between two tokens
    #[arg(long, value_name = "D", requires = "serve", value_parser = parse_duration, default_value = "5ms")]
    gap: Duration,
    /// Send so many tokens, where a request does not limit them
    #[arg(long, value_name = "N", requires = "serve", default_value = "128")]
    tokens: u32,
    /// Stand still for so long, every so often, for instance `200ms/2s`
    #[arg(long, value_name = "D/D", requires = "serve", value_parser = parse_freeze)]
    freeze: Option<(Duration, Duration)>,
}

fn parse_freeze(text: &str) -> std::result::Result<(Duration, Duration), String> {
    let wrong = || format!("`{text}` is not a pause; write it like `200ms/2s`");
    let (length, every) = text.split_once('/').ok_or_else(wrong)?;
    let (length, every) = (
        parse_duration(length).map_err(|_| wrong())?,
        parse_duration(every).map_err(|_| wrong())?,
    );
    if length < every {
        Ok((length, every))
    } else {
        Err(wrong())
    }
}

/// Runs the command.
pub(crate) async fn calibrate(context: &Context, args: &CalibrateArgs) -> Result<Status> {
    if args.serve {
        return serve(context, &args.script).await;
    }
    if let Some(url) = &args.against {
        let load = (args.rate, args.duration);
        let found = calibrate_against(context.surroundings(), url, load).await?;
        return Ok(match found.calibration {
            Some(calibration) => context.emit(&View::Calibration(&calibration), found.status),
            None => found.status,
        });
    }
    let Some(calibration) = calibrate_machine(context.surroundings()).await? else {
        return Ok(Status::Interrupted);
    };
    // Where there is a project, its later runs are stored with what this machine can do.
    if context.manifest_path().is_file() {
        Store::open(&context.folder(), &context.clock).write_calibration(&calibration)?;
    } else {
        context
            .ui
            .note("there is no manifest here, so that no run will be stored with these figures");
    }
    Ok(context.emit(&View::Calibration(&calibration), Status::Passed))
}

async fn serve(context: &Context, args: &ScriptArgs) -> Result<Status> {
    let script = Script {
        delay: args.delay,
        ttft: args.ttft,
        gap: args.gap,
        tokens: args.tokens,
        freeze: args.freeze,
    };
    let server = Reference::start(script, args.port).map_err(NoReference::from)?;
    let address = server.address();
    let text = format!("serving the reference server on http://{address} until Ctrl-C\n");
    let status = context.emit_text(&text, Status::Passed);
    context.asked_to_end().await;
    drop(server);
    Ok(status)
}
