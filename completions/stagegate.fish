# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_stagegate_global_optspecs
    string join \n C= m/manifest= e/env= set= format= out= q/quiet v/verbose color= h/help V/version
end

function __fish_stagegate_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_stagegate_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_stagegate_using_subcommand
    set -l cmd (__fish_stagegate_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c stagegate -n "__fish_stagegate_needs_command" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_needs_command" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_needs_command" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_needs_command" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_needs_command" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_needs_command" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_needs_command" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_needs_command" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_needs_command" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_needs_command" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_needs_command" -f -a "init" -d 'Write a manifest and a golden set to start from'
complete -c stagegate -n "__fish_stagegate_needs_command" -f -a "check" -d 'Check the manifest, without secrets and without network'
complete -c stagegate -n "__fish_stagegate_needs_command" -f -a "demo" -d 'Run the whole story on a built-in pipeline: two releases, one with a hidden regression'
complete -c stagegate -n "__fish_stagegate_needs_command" -f -a "calibrate" -d 'Measure this machine\'s own floor: schedule lag, TTFT and gap error, highest rate, most streams'
complete -c stagegate -n "__fish_stagegate_needs_command" -f -a "load" -d 'Load-test stages as the manifest\'s [load.NAME] says'
complete -c stagegate -n "__fish_stagegate_needs_command" -f -a "profile" -d 'Profile latency: each stage alone and inside the pipeline, at low load and at a given load'
complete -c stagegate -n "__fish_stagegate_needs_command" -f -a "eval" -d 'Run eval suites as the manifest\'s [eval.NAME] says'
complete -c stagegate -n "__fish_stagegate_needs_command" -f -a "diff" -d 'Compare two releases'
complete -c stagegate -n "__fish_stagegate_needs_command" -f -a "gate" -d 'Measure this release, compare it with its base, and decide whether it may ship'
complete -c stagegate -n "__fish_stagegate_needs_command" -f -a "runs" -d 'List, show, merge, export, import, and delete the stored runs'
complete -c stagegate -n "__fish_stagegate_needs_command" -f -a "report" -d 'Render stored results again, in any format'
complete -c stagegate -n "__fish_stagegate_needs_command" -f -a "schema" -d 'Print the JSON Schema of the manifest, a run, or a comparison'
complete -c stagegate -n "__fish_stagegate_needs_command" -f -a "completions" -d 'Print the completions of a shell'
complete -c stagegate -n "__fish_stagegate_needs_command" -f -a "man" -d 'Print the manual page, or write all of them'
complete -c stagegate -n "__fish_stagegate_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c stagegate -n "__fish_stagegate_using_subcommand init" -l template -d 'What to start from; `rag` where there is no manifest yet' -r -f -a "rag\t'a gateway that calls a search, a reranker, and a streaming chat model'
chat\t'one chat model: time to the first token, cost, and answers from a given passage'
agent\t'an agent and the tools that it calls'
embeddings\t'an embedding model and the index that searches its vectors'
minimal\t'one service behind HTTP, one load test, and one eval'"
complete -c stagegate -n "__fish_stagegate_using_subcommand init" -l ci -d 'Also write the gate as a step of a CI system' -r -f -a "github\t'a workflow of GitHub Actions'
gitlab\t'a job of GitLab CI'"
complete -c stagegate -n "__fish_stagegate_using_subcommand init" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand init" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand init" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand init" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand init" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand init" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand init" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand init" -l force -d 'Overwrite files that exist'
complete -c stagegate -n "__fish_stagegate_using_subcommand init" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand init" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand init" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand check" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand check" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand check" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand check" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand check" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand check" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand check" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand check" -l probe -d 'Call each stage once and show what came back'
complete -c stagegate -n "__fish_stagegate_using_subcommand check" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand check" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand check" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand demo" -l port -d 'Serve on this port [default: 8642 with --serve, else a free one]' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand demo" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand demo" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand demo" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand demo" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand demo" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand demo" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand demo" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand demo" -l serve -d 'Only serve the pipeline, to try every other command against it'
complete -c stagegate -n "__fish_stagegate_using_subcommand demo" -l keep -d 'Leave the project behind'
complete -c stagegate -n "__fish_stagegate_using_subcommand demo" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand demo" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand demo" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -l against -d 'Only measure TTFT and gap error, against a reference server that this machine serves at this address' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -l rate -d 'Open so many streams a second there' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -l duration -d 'Measure for so long there' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -l port -d 'Serve on this port [default: a free one]' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -l delay -d 'Wait so long before a plain answer' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -l ttft -d 'Wait so long before the first token of a stream' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -l gap -d 'Wait so long between two tokens' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -l tokens -d 'Send so many tokens, where a request does not limit them' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -l freeze -d 'Stand still for so long, every so often, for instance `200ms/2s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -l serve -d 'Only serve the reference server, to hold other load generators against it'
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand calibrate" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -l stage -d 'Put only this stage or pipeline under load; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -l rate -d 'Send at this rate in an open loop, for instance `20/s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -l concurrency -d 'Let this many users send in a closed loop' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -l duration -d 'Measure for so long, for instance `30s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -l seed -d 'Take the arrivals and cases of this seed' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -l shard -d 'Send only shard I of N of the load; `runs merge` puts the parts together' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -l start-at -d 'Begin to measure at this time, for instance `2026-11-24T14:30:00Z`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -l find-limit -d 'Find the highest arrival rate at which every SLO holds, and what gives way first'
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand load" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand profile" -l load -d 'Take the arrivals and the data of this load; without it, of the first that calls the stage' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand profile" -l rate -d 'Send at this rate in an open loop, for instance `20/s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand profile" -l concurrency -d 'Let this many users send in a closed loop' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand profile" -l duration -d 'Take so long for each measurement; 5s without it' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand profile" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand profile" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand profile" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand profile" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand profile" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand profile" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand profile" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand profile" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand profile" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand profile" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand profile" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand eval" -l repeats -d 'Ask each case so many times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand eval" -l only -d 'Ask only this case; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand eval" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand eval" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand eval" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand eval" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand eval" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand eval" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand eval" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand eval" -l resume -d 'Continue the newest incomplete run; no answered case is asked again'
complete -c stagegate -n "__fish_stagegate_using_subcommand eval" -l no-cache -d 'Ask every case afresh; no answer is cached between runs, so this is always so'
complete -c stagegate -n "__fish_stagegate_using_subcommand eval" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand eval" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand eval" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand eval" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand diff" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand diff" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand diff" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand diff" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand diff" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand diff" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand diff" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand diff" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand diff" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand diff" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -l base -d 'Compare with this release instead of the one measured before' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -l wait -d 'Wait so long for stages that cannot be reached yet' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -l seed-base -d 'Measure this release so often as a base for later ones, and judge nothing' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -l until -d 'The tag of the last release that an accepted change holds for; the next minor version when none is given' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -l reason -d 'Why the accepted changes are meant' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -l inconclusive -d 'End with 1 or 0 instead of 4 when the verdict is inconclusive' -r -f -a "fail\t'As failed'
neutral\t'As passed'"
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -l dry-run -d 'Show what would be run and compared, and run nothing'
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -l accept -d 'Write what was found for the worse into the manifest as `[[accept]]`, to be reviewed'
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand gate" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and not __fish_seen_subcommand_from list show merge prune export import help" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and not __fish_seen_subcommand_from list show merge prune export import help" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and not __fish_seen_subcommand_from list show merge prune export import help" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and not __fish_seen_subcommand_from list show merge prune export import help" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and not __fish_seen_subcommand_from list show merge prune export import help" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and not __fish_seen_subcommand_from list show merge prune export import help" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and not __fish_seen_subcommand_from list show merge prune export import help" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and not __fish_seen_subcommand_from list show merge prune export import help" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and not __fish_seen_subcommand_from list show merge prune export import help" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and not __fish_seen_subcommand_from list show merge prune export import help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and not __fish_seen_subcommand_from list show merge prune export import help" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and not __fish_seen_subcommand_from list show merge prune export import help" -f -a "list" -d 'List the stored runs, newest first'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and not __fish_seen_subcommand_from list show merge prune export import help" -f -a "show" -d 'Show one run, or all of one release; of a gate, the comparison that it was decided by'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and not __fish_seen_subcommand_from list show merge prune export import help" -f -a "merge" -d 'Put the parts of a load that was sent by several processes (`load --shard`) together, and store the whole'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and not __fish_seen_subcommand_from list show merge prune export import help" -f -a "prune" -d 'Delete old runs; the newest of each kind, name, and environment, and those of tagged commits, stay'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and not __fish_seen_subcommand_from list show merge prune export import help" -f -a "export" -d 'Print one run as a self-contained document, with histograms, intervals, and the comparison of a gate; of a revision the whole release'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and not __fish_seen_subcommand_from list show merge prune export import help" -f -a "import" -d 'Store the runs of an exported file, so that gates of this project are held against them'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and not __fish_seen_subcommand_from list show merge prune export import help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from list" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from list" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from list" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from list" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from list" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from list" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from list" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from show" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from show" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from show" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from show" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from show" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from show" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from show" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from merge" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from merge" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from merge" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from merge" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from merge" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from merge" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from merge" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from merge" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from merge" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from merge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from merge" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from prune" -l keep -d 'Keep so many of the newest of each kind, name, and environment' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from prune" -l older-than -d 'Delete only what is older, for instance `30d`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from prune" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from prune" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from prune" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from prune" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from prune" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from prune" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from prune" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from prune" -l tagged -d 'Also delete runs of tagged commits'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from prune" -l dry-run -d 'Only say what would be deleted'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from prune" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from prune" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from prune" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from export" -l name -d 'Take the run of this load or suite, where the release has several' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from export" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from export" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from export" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from export" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from export" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from export" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from export" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from export" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from export" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from export" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from import" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from import" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from import" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from import" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from import" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from import" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from import" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from import" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from import" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the stored runs, newest first'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one run, or all of one release; of a gate, the comparison that it was decided by'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from help" -f -a "merge" -d 'Put the parts of a load that was sent by several processes (`load --shard`) together, and store the whole'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from help" -f -a "prune" -d 'Delete old runs; the newest of each kind, name, and environment, and those of tagged commits, stay'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from help" -f -a "export" -d 'Print one run as a self-contained document, with histograms, intervals, and the comparison of a gate; of a revision the whole release'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from help" -f -a "import" -d 'Store the runs of an exported file, so that gates of this project are held against them'
complete -c stagegate -n "__fish_stagegate_using_subcommand runs; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c stagegate -n "__fish_stagegate_using_subcommand report" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand report" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand report" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand report" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand report" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand report" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand report" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand report" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand report" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand report" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand schema" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand schema" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand schema" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand schema" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand schema" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand schema" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand schema" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand schema" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand schema" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand schema" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand completions" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand completions" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand completions" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand completions" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand completions" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand completions" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand completions" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand completions" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand completions" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand completions" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand man" -l dir -d 'Write the pages of every command into DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand man" -s C -d 'Run as if started in DIR' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand man" -s m -l manifest -d 'Read the manifest from FILE instead of `stagegate.toml`' -r -F
complete -c stagegate -n "__fish_stagegate_using_subcommand man" -s e -l env -d 'Use the environment ENV of the manifest' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand man" -l set -d 'Override a key of the manifest, for instance `load.peak.duration=10s`' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand man" -l format -d 'Print the result as FORMAT' -r -f -a "human\t'tables for a terminal, the default'
json\t'one JSON document, for programs'
jsonl\t'one JSON object a line: runs, stages, cases, comparisons'
markdown\t'GitHub-flavoured Markdown, for a comment or a job summary'
junit\t'JUnit XML, for the test pages of CI systems'
csv\t'one table, a value a row, for spreadsheets and data frames'
github\t'GitHub Actions annotations at the manifest\'s lines'"
complete -c stagegate -n "__fish_stagegate_using_subcommand man" -l out -d 'Also write the result as FORMAT to PATH; may be given several times' -r
complete -c stagegate -n "__fish_stagegate_using_subcommand man" -l color -d 'Use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c stagegate -n "__fish_stagegate_using_subcommand man" -s q -l quiet -d 'Say nothing but the result, warnings, and errors'
complete -c stagegate -n "__fish_stagegate_using_subcommand man" -s v -l verbose -d 'Say more about what is being done'
complete -c stagegate -n "__fish_stagegate_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c stagegate -n "__fish_stagegate_using_subcommand man" -s V -l version -d 'Print version'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and not __fish_seen_subcommand_from init check demo calibrate load profile eval diff gate runs report schema completions man help" -f -a "init" -d 'Write a manifest and a golden set to start from'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and not __fish_seen_subcommand_from init check demo calibrate load profile eval diff gate runs report schema completions man help" -f -a "check" -d 'Check the manifest, without secrets and without network'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and not __fish_seen_subcommand_from init check demo calibrate load profile eval diff gate runs report schema completions man help" -f -a "demo" -d 'Run the whole story on a built-in pipeline: two releases, one with a hidden regression'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and not __fish_seen_subcommand_from init check demo calibrate load profile eval diff gate runs report schema completions man help" -f -a "calibrate" -d 'Measure this machine\'s own floor: schedule lag, TTFT and gap error, highest rate, most streams'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and not __fish_seen_subcommand_from init check demo calibrate load profile eval diff gate runs report schema completions man help" -f -a "load" -d 'Load-test stages as the manifest\'s [load.NAME] says'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and not __fish_seen_subcommand_from init check demo calibrate load profile eval diff gate runs report schema completions man help" -f -a "profile" -d 'Profile latency: each stage alone and inside the pipeline, at low load and at a given load'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and not __fish_seen_subcommand_from init check demo calibrate load profile eval diff gate runs report schema completions man help" -f -a "eval" -d 'Run eval suites as the manifest\'s [eval.NAME] says'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and not __fish_seen_subcommand_from init check demo calibrate load profile eval diff gate runs report schema completions man help" -f -a "diff" -d 'Compare two releases'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and not __fish_seen_subcommand_from init check demo calibrate load profile eval diff gate runs report schema completions man help" -f -a "gate" -d 'Measure this release, compare it with its base, and decide whether it may ship'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and not __fish_seen_subcommand_from init check demo calibrate load profile eval diff gate runs report schema completions man help" -f -a "runs" -d 'List, show, merge, export, import, and delete the stored runs'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and not __fish_seen_subcommand_from init check demo calibrate load profile eval diff gate runs report schema completions man help" -f -a "report" -d 'Render stored results again, in any format'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and not __fish_seen_subcommand_from init check demo calibrate load profile eval diff gate runs report schema completions man help" -f -a "schema" -d 'Print the JSON Schema of the manifest, a run, or a comparison'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and not __fish_seen_subcommand_from init check demo calibrate load profile eval diff gate runs report schema completions man help" -f -a "completions" -d 'Print the completions of a shell'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and not __fish_seen_subcommand_from init check demo calibrate load profile eval diff gate runs report schema completions man help" -f -a "man" -d 'Print the manual page, or write all of them'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and not __fish_seen_subcommand_from init check demo calibrate load profile eval diff gate runs report schema completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and __fish_seen_subcommand_from runs" -f -a "list" -d 'List the stored runs, newest first'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and __fish_seen_subcommand_from runs" -f -a "show" -d 'Show one run, or all of one release; of a gate, the comparison that it was decided by'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and __fish_seen_subcommand_from runs" -f -a "merge" -d 'Put the parts of a load that was sent by several processes (`load --shard`) together, and store the whole'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and __fish_seen_subcommand_from runs" -f -a "prune" -d 'Delete old runs; the newest of each kind, name, and environment, and those of tagged commits, stay'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and __fish_seen_subcommand_from runs" -f -a "export" -d 'Print one run as a self-contained document, with histograms, intervals, and the comparison of a gate; of a revision the whole release'
complete -c stagegate -n "__fish_stagegate_using_subcommand help; and __fish_seen_subcommand_from runs" -f -a "import" -d 'Store the runs of an exported file, so that gates of this project are held against them'
