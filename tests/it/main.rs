//! End to end: the real binary over real sockets, in a home of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alike; // the same answers through check, eval, load, and profile
mod asserts;
mod bad_input; // unreachable stages, wrong names, broken golden lines, missing secrets: message and exit code
mod boot; // the deployment started and stopped around what is measured
mod cmd_calibrate;
mod cmd_check; // the manifest, all errors at once
mod cmd_demo; // the built-in story and the templates that point at it
mod cmd_errors; // what failed, in every format
mod cmd_eval; // golden sets, journals, kill and resume
mod cmd_formats;
mod cmd_gate;
mod cmd_gate_accept; // baseline, candidate, verdict, exit code
mod cmd_gate_latency; // sessions of a base, and releases that are slower
mod cmd_gate_turns; // base and head in one slot, in turns
mod cmd_init;
mod cmd_load; // rates, latencies, streams, interruption
mod cmd_load_mix; // kinds of users that share one load
mod cmd_load_quality; // answers under load against those without it
mod cmd_load_tls; // handshakes, HTTP/2
mod cmd_load_workload; // conversations and made-up prompts
mod connections; // those that the server has closed, and what is sent twice
mod docs;
mod fresh;
mod habits; // few packages, pinned actions, promises that name what there is
mod hostile; // endless, enormous, and silent stages; full and read-only disks
mod kinds;
mod layering; // the import table of docs/architecture.md, file sizes, exit codes
mod outputs; // headers, bodies, texts, and errors, by every kind and command
mod pipelines;
mod profiles; // of orchestrators whose truth is known: right, or silent
mod programs; // what they leave behind, however the command ends
mod rerankers; // positions and the documents that they are of
mod spending; // tokens by kind, prices, budgets, finish reasons
mod streams; // server-sent events, lines, plain text
mod support;
mod traces; // headers that differ from request to request
mod way_in; // links, pipes, devices, and runs that a pull request brings along
mod way_out; // strings of strangers and echoed secrets, in every field and every output
mod way_out_matrix; // every such string in every field, every command, and every format
mod whole;
