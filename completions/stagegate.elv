
use builtin;
use str;

set edit:completion:arg-completer[stagegate] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'stagegate'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'stagegate'= {
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand init 'Write a manifest and a golden set to start from'
            cand check 'Check the manifest, without secrets and without network'
            cand demo 'Run the whole story on a built-in pipeline: two releases, one with a hidden regression'
            cand calibrate 'Measure this machine''s own floor: schedule lag, TTFT and gap error, highest rate, most streams'
            cand load 'Load-test stages as the manifest''s [load.NAME] says'
            cand profile 'Profile latency: each stage alone and inside the pipeline, at low load and at a given load'
            cand eval 'Run eval suites as the manifest''s [eval.NAME] says'
            cand diff 'Compare two releases'
            cand gate 'Measure this release, compare it with its base, and decide whether it may ship'
            cand runs 'List, show, merge, export, import, and delete the stored runs'
            cand report 'Render stored results again, in any format'
            cand schema 'Print the JSON Schema of the manifest, a run, or a comparison'
            cand completions 'Print the completions of a shell'
            cand man 'Print the manual page, or write all of them'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'stagegate;init'= {
            cand --template 'What to start from; `rag` where there is no manifest yet'
            cand --ci 'Also write the gate as a step of a CI system'
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand --force 'Overwrite files that exist'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;check'= {
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand --probe 'Call each stage once and show what came back'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;demo'= {
            cand --port 'Serve on this port [default: 8642 with --serve, else a free one]'
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand --serve 'Only serve the pipeline, to try every other command against it'
            cand --keep 'Leave the project behind'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;calibrate'= {
            cand --against 'Only measure TTFT and gap error, against a reference server that this machine serves at this address'
            cand --rate 'Open so many streams a second there'
            cand --duration 'Measure for so long there'
            cand --port 'Serve on this port [default: a free one]'
            cand --delay 'Wait so long before a plain answer'
            cand --ttft 'Wait so long before the first token of a stream'
            cand --gap 'Wait so long between two tokens'
            cand --tokens 'Send so many tokens, where a request does not limit them'
            cand --freeze 'Stand still for so long, every so often, for instance `200ms/2s`'
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand --serve 'Only serve the reference server, to hold other load generators against it'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;load'= {
            cand --stage 'Put only this stage or pipeline under load; may be given several times'
            cand --rate 'Send at this rate in an open loop, for instance `20/s`'
            cand --concurrency 'Let this many users send in a closed loop'
            cand --duration 'Measure for so long, for instance `30s`'
            cand --seed 'Take the arrivals and cases of this seed'
            cand --shard 'Send only shard I of N of the load; `runs merge` puts the parts together'
            cand --start-at 'Begin to measure at this time, for instance `2026-11-24T14:30:00Z`'
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand --find-limit 'Find the highest arrival rate at which every SLO holds, and what gives way first'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;profile'= {
            cand --load 'Take the arrivals and the data of this load; without it, of the first that calls the stage'
            cand --rate 'Send at this rate in an open loop, for instance `20/s`'
            cand --concurrency 'Let this many users send in a closed loop'
            cand --duration 'Take so long for each measurement; 5s without it'
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;eval'= {
            cand --repeats 'Ask each case so many times'
            cand --only 'Ask only this case; may be given several times'
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand --resume 'Continue the newest incomplete run; no answered case is asked again'
            cand --no-cache 'Ask every case afresh; no answer is cached between runs, so this is always so'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;diff'= {
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;gate'= {
            cand --base 'Compare with this release instead of the one measured before'
            cand --wait 'Wait so long for stages that cannot be reached yet'
            cand --seed-base 'Measure this release so often as a base for later ones, and judge nothing'
            cand --until 'The tag of the last release that an accepted change holds for; the next minor version when none is given'
            cand --reason 'Why the accepted changes are meant'
            cand --inconclusive 'End with 1 or 0 instead of 4 when the verdict is inconclusive'
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand --dry-run 'Show what would be run and compared, and run nothing'
            cand --accept 'Write what was found for the worse into the manifest as `[[accept]]`, to be reviewed'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;runs'= {
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand list 'List the stored runs, newest first'
            cand show 'Show one run, or all of one release; of a gate, the comparison that it was decided by'
            cand merge 'Put the parts of a load that was sent by several processes (`load --shard`) together, and store the whole'
            cand prune 'Delete old runs; the newest of each kind, name, and environment, and those of tagged commits, stay'
            cand export 'Print one run as a self-contained document, with histograms, intervals, and the comparison of a gate; of a revision the whole release'
            cand import 'Store the runs of an exported file, so that gates of this project are held against them'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'stagegate;runs;list'= {
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;runs;show'= {
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;runs;merge'= {
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;runs;prune'= {
            cand --keep 'Keep so many of the newest of each kind, name, and environment'
            cand --older-than 'Delete only what is older, for instance `30d`'
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand --tagged 'Also delete runs of tagged commits'
            cand --dry-run 'Only say what would be deleted'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;runs;export'= {
            cand --name 'Take the run of this load or suite, where the release has several'
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;runs;import'= {
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;runs;help'= {
            cand list 'List the stored runs, newest first'
            cand show 'Show one run, or all of one release; of a gate, the comparison that it was decided by'
            cand merge 'Put the parts of a load that was sent by several processes (`load --shard`) together, and store the whole'
            cand prune 'Delete old runs; the newest of each kind, name, and environment, and those of tagged commits, stay'
            cand export 'Print one run as a self-contained document, with histograms, intervals, and the comparison of a gate; of a revision the whole release'
            cand import 'Store the runs of an exported file, so that gates of this project are held against them'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'stagegate;runs;help;list'= {
        }
        &'stagegate;runs;help;show'= {
        }
        &'stagegate;runs;help;merge'= {
        }
        &'stagegate;runs;help;prune'= {
        }
        &'stagegate;runs;help;export'= {
        }
        &'stagegate;runs;help;import'= {
        }
        &'stagegate;runs;help;help'= {
        }
        &'stagegate;report'= {
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;schema'= {
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;completions'= {
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;man'= {
            cand --dir 'Write the pages of every command into DIR'
            cand -C 'Run as if started in DIR'
            cand -m 'Read the manifest from FILE instead of `stagegate.toml`'
            cand --manifest 'Read the manifest from FILE instead of `stagegate.toml`'
            cand -e 'Use the environment ENV of the manifest'
            cand --env 'Use the environment ENV of the manifest'
            cand --set 'Override a key of the manifest, for instance `load.peak.duration=10s`'
            cand --format 'Print the result as FORMAT'
            cand --out 'Also write the result as FORMAT to PATH; may be given several times'
            cand --color 'Use colour'
            cand -q 'Say nothing but the result, warnings, and errors'
            cand --quiet 'Say nothing but the result, warnings, and errors'
            cand -v 'Say more about what is being done'
            cand --verbose 'Say more about what is being done'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'stagegate;help'= {
            cand init 'Write a manifest and a golden set to start from'
            cand check 'Check the manifest, without secrets and without network'
            cand demo 'Run the whole story on a built-in pipeline: two releases, one with a hidden regression'
            cand calibrate 'Measure this machine''s own floor: schedule lag, TTFT and gap error, highest rate, most streams'
            cand load 'Load-test stages as the manifest''s [load.NAME] says'
            cand profile 'Profile latency: each stage alone and inside the pipeline, at low load and at a given load'
            cand eval 'Run eval suites as the manifest''s [eval.NAME] says'
            cand diff 'Compare two releases'
            cand gate 'Measure this release, compare it with its base, and decide whether it may ship'
            cand runs 'List, show, merge, export, import, and delete the stored runs'
            cand report 'Render stored results again, in any format'
            cand schema 'Print the JSON Schema of the manifest, a run, or a comparison'
            cand completions 'Print the completions of a shell'
            cand man 'Print the manual page, or write all of them'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'stagegate;help;init'= {
        }
        &'stagegate;help;check'= {
        }
        &'stagegate;help;demo'= {
        }
        &'stagegate;help;calibrate'= {
        }
        &'stagegate;help;load'= {
        }
        &'stagegate;help;profile'= {
        }
        &'stagegate;help;eval'= {
        }
        &'stagegate;help;diff'= {
        }
        &'stagegate;help;gate'= {
        }
        &'stagegate;help;runs'= {
            cand list 'List the stored runs, newest first'
            cand show 'Show one run, or all of one release; of a gate, the comparison that it was decided by'
            cand merge 'Put the parts of a load that was sent by several processes (`load --shard`) together, and store the whole'
            cand prune 'Delete old runs; the newest of each kind, name, and environment, and those of tagged commits, stay'
            cand export 'Print one run as a self-contained document, with histograms, intervals, and the comparison of a gate; of a revision the whole release'
            cand import 'Store the runs of an exported file, so that gates of this project are held against them'
        }
        &'stagegate;help;runs;list'= {
        }
        &'stagegate;help;runs;show'= {
        }
        &'stagegate;help;runs;merge'= {
        }
        &'stagegate;help;runs;prune'= {
        }
        &'stagegate;help;runs;export'= {
        }
        &'stagegate;help;runs;import'= {
        }
        &'stagegate;help;report'= {
        }
        &'stagegate;help;schema'= {
        }
        &'stagegate;help;completions'= {
        }
        &'stagegate;help;man'= {
        }
        &'stagegate;help;help'= {
        }
    ]
    $completions[$command]
}
