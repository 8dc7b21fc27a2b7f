
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'stagegate' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'stagegate'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'stagegate' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Write a manifest and a golden set to start from')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check the manifest, without secrets and without network')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Run the whole story on a built-in pipeline: two releases, one with a hidden regression')
            [CompletionResult]::new('calibrate', 'calibrate', [CompletionResultType]::ParameterValue, 'Measure this machine''s own floor: schedule lag, TTFT and gap error, highest rate, most streams')
            [CompletionResult]::new('load', 'load', [CompletionResultType]::ParameterValue, 'Load-test stages as the manifest''s [load.NAME] says')
            [CompletionResult]::new('profile', 'profile', [CompletionResultType]::ParameterValue, 'Profile latency: each stage alone and inside the pipeline, at low load and at a given load')
            [CompletionResult]::new('eval', 'eval', [CompletionResultType]::ParameterValue, 'Run eval suites as the manifest''s [eval.NAME] says')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Compare two releases')
            [CompletionResult]::new('gate', 'gate', [CompletionResultType]::ParameterValue, 'Measure this release, compare it with its base, and decide whether it may ship')
            [CompletionResult]::new('runs', 'runs', [CompletionResultType]::ParameterValue, 'List, show, merge, export, import, and delete the stored runs')
            [CompletionResult]::new('report', 'report', [CompletionResultType]::ParameterValue, 'Render stored results again, in any format')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of the manifest, a run, or a comparison')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completions of a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page, or write all of them')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'stagegate;init' {
            [CompletionResult]::new('--template', '--template', [CompletionResultType]::ParameterName, 'What to start from; `rag` where there is no manifest yet')
            [CompletionResult]::new('--ci', '--ci', [CompletionResultType]::ParameterName, 'Also write the gate as a step of a CI system')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Overwrite files that exist')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;check' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('--probe', '--probe', [CompletionResultType]::ParameterName, 'Call each stage once and show what came back')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;demo' {
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Serve on this port [default: 8642 with --serve, else a free one]')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('--serve', '--serve', [CompletionResultType]::ParameterName, 'Only serve the pipeline, to try every other command against it')
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Leave the project behind')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;calibrate' {
            [CompletionResult]::new('--against', '--against', [CompletionResultType]::ParameterName, 'Only measure TTFT and gap error, against a reference server that this machine serves at this address')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Open so many streams a second there')
            [CompletionResult]::new('--duration', '--duration', [CompletionResultType]::ParameterName, 'Measure for so long there')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Serve on this port [default: a free one]')
            [CompletionResult]::new('--delay', '--delay', [CompletionResultType]::ParameterName, 'Wait so long before a plain answer')
            [CompletionResult]::new('--ttft', '--ttft', [CompletionResultType]::ParameterName, 'Wait so long before the first token of a stream')
            [CompletionResult]::new('--gap', '--gap', [CompletionResultType]::ParameterName, 'Wait so long between two tokens')
            [CompletionResult]::new('--tokens', '--tokens', [CompletionResultType]::ParameterName, 'Send so many tokens, where a request does not limit them')
            [CompletionResult]::new('--freeze', '--freeze', [CompletionResultType]::ParameterName, 'Stand still for so long, every so often, for instance `200ms/2s`')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('--serve', '--serve', [CompletionResultType]::ParameterName, 'Only serve the reference server, to hold other load generators against it')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;load' {
            [CompletionResult]::new('--stage', '--stage', [CompletionResultType]::ParameterName, 'Put only this stage or pipeline under load; may be given several times')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Send at this rate in an open loop, for instance `20/s`')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Let this many users send in a closed loop')
            [CompletionResult]::new('--duration', '--duration', [CompletionResultType]::ParameterName, 'Measure for so long, for instance `30s`')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Take the arrivals and cases of this seed')
            [CompletionResult]::new('--shard', '--shard', [CompletionResultType]::ParameterName, 'Send only shard I of N of the load; `runs merge` puts the parts together')
            [CompletionResult]::new('--start-at', '--start-at', [CompletionResultType]::ParameterName, 'Begin to measure at this time, for instance `2026-11-24T14:30:00Z`')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('--find-limit', '--find-limit', [CompletionResultType]::ParameterName, 'Find the highest arrival rate at which every SLO holds, and what gives way first')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;profile' {
            [CompletionResult]::new('--load', '--load', [CompletionResultType]::ParameterName, 'Take the arrivals and the data of this load; without it, of the first that calls the stage')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Send at this rate in an open loop, for instance `20/s`')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Let this many users send in a closed loop')
            [CompletionResult]::new('--duration', '--duration', [CompletionResultType]::ParameterName, 'Take so long for each measurement; 5s without it')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;eval' {
            [CompletionResult]::new('--repeats', '--repeats', [CompletionResultType]::ParameterName, 'Ask each case so many times')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Ask only this case; may be given several times')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('--resume', '--resume', [CompletionResultType]::ParameterName, 'Continue the newest incomplete run; no answered case is asked again')
            [CompletionResult]::new('--no-cache', '--no-cache', [CompletionResultType]::ParameterName, 'Ask every case afresh; no answer is cached between runs, so this is always so')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;diff' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;gate' {
            [CompletionResult]::new('--base', '--base', [CompletionResultType]::ParameterName, 'Compare with this release instead of the one measured before')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait so long for stages that cannot be reached yet')
            [CompletionResult]::new('--seed-base', '--seed-base', [CompletionResultType]::ParameterName, 'Measure this release so often as a base for later ones, and judge nothing')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'The tag of the last release that an accepted change holds for; the next minor version when none is given')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Why the accepted changes are meant')
            [CompletionResult]::new('--inconclusive', '--inconclusive', [CompletionResultType]::ParameterName, 'End with 1 or 0 instead of 4 when the verdict is inconclusive')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be run and compared, and run nothing')
            [CompletionResult]::new('--accept', '--accept', [CompletionResultType]::ParameterName, 'Write what was found for the worse into the manifest as `[[accept]]`, to be reviewed')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;runs' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the stored runs, newest first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show one run, or all of one release; of a gate, the comparison that it was decided by')
            [CompletionResult]::new('merge', 'merge', [CompletionResultType]::ParameterValue, 'Put the parts of a load that was sent by several processes (`load --shard`) together, and store the whole')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Delete old runs; the newest of each kind, name, and environment, and those of tagged commits, stay')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Print one run as a self-contained document, with histograms, intervals, and the comparison of a gate; of a revision the whole release')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Store the runs of an exported file, so that gates of this project are held against them')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'stagegate;runs;list' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;runs;show' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;runs;merge' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;runs;prune' {
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Keep so many of the newest of each kind, name, and environment')
            [CompletionResult]::new('--older-than', '--older-than', [CompletionResultType]::ParameterName, 'Delete only what is older, for instance `30d`')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('--tagged', '--tagged', [CompletionResultType]::ParameterName, 'Also delete runs of tagged commits')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only say what would be deleted')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;runs;export' {
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Take the run of this load or suite, where the release has several')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;runs;import' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;runs;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the stored runs, newest first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show one run, or all of one release; of a gate, the comparison that it was decided by')
            [CompletionResult]::new('merge', 'merge', [CompletionResultType]::ParameterValue, 'Put the parts of a load that was sent by several processes (`load --shard`) together, and store the whole')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Delete old runs; the newest of each kind, name, and environment, and those of tagged commits, stay')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Print one run as a self-contained document, with histograms, intervals, and the comparison of a gate; of a revision the whole release')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Store the runs of an exported file, so that gates of this project are held against them')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'stagegate;runs;help;list' {
            break
        }
        'stagegate;runs;help;show' {
            break
        }
        'stagegate;runs;help;merge' {
            break
        }
        'stagegate;runs;help;prune' {
            break
        }
        'stagegate;runs;help;export' {
            break
        }
        'stagegate;runs;help;import' {
            break
        }
        'stagegate;runs;help;help' {
            break
        }
        'stagegate;report' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;schema' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;completions' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;man' {
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'Write the pages of every command into DIR')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Run as if started in DIR')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('--manifest', '--manifest', [CompletionResultType]::ParameterName, 'Read the manifest from FILE instead of `stagegate.toml`')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Use the environment ENV of the manifest')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a key of the manifest, for instance `load.peak.duration=10s`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the result as FORMAT')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Also write the result as FORMAT to PATH; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but the result, warnings, and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more about what is being done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'stagegate;help' {
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Write a manifest and a golden set to start from')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check the manifest, without secrets and without network')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Run the whole story on a built-in pipeline: two releases, one with a hidden regression')
            [CompletionResult]::new('calibrate', 'calibrate', [CompletionResultType]::ParameterValue, 'Measure this machine''s own floor: schedule lag, TTFT and gap error, highest rate, most streams')
            [CompletionResult]::new('load', 'load', [CompletionResultType]::ParameterValue, 'Load-test stages as the manifest''s [load.NAME] says')
            [CompletionResult]::new('profile', 'profile', [CompletionResultType]::ParameterValue, 'Profile latency: each stage alone and inside the pipeline, at low load and at a given load')
            [CompletionResult]::new('eval', 'eval', [CompletionResultType]::ParameterValue, 'Run eval suites as the manifest''s [eval.NAME] says')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Compare two releases')
            [CompletionResult]::new('gate', 'gate', [CompletionResultType]::ParameterValue, 'Measure this release, compare it with its base, and decide whether it may ship')
            [CompletionResult]::new('runs', 'runs', [CompletionResultType]::ParameterValue, 'List, show, merge, export, import, and delete the stored runs')
            [CompletionResult]::new('report', 'report', [CompletionResultType]::ParameterValue, 'Render stored results again, in any format')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of the manifest, a run, or a comparison')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completions of a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page, or write all of them')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'stagegate;help;init' {
            break
        }
        'stagegate;help;check' {
            break
        }
        'stagegate;help;demo' {
            break
        }
        'stagegate;help;calibrate' {
            break
        }
        'stagegate;help;load' {
            break
        }
        'stagegate;help;profile' {
            break
        }
        'stagegate;help;eval' {
            break
        }
        'stagegate;help;diff' {
            break
        }
        'stagegate;help;gate' {
            break
        }
        'stagegate;help;runs' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the stored runs, newest first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show one run, or all of one release; of a gate, the comparison that it was decided by')
            [CompletionResult]::new('merge', 'merge', [CompletionResultType]::ParameterValue, 'Put the parts of a load that was sent by several processes (`load --shard`) together, and store the whole')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Delete old runs; the newest of each kind, name, and environment, and those of tagged commits, stay')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Print one run as a self-contained document, with histograms, intervals, and the comparison of a gate; of a revision the whole release')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Store the runs of an exported file, so that gates of this project are held against them')
            break
        }
        'stagegate;help;runs;list' {
            break
        }
        'stagegate;help;runs;show' {
            break
        }
        'stagegate;help;runs;merge' {
            break
        }
        'stagegate;help;runs;prune' {
            break
        }
        'stagegate;help;runs;export' {
            break
        }
        'stagegate;help;runs;import' {
            break
        }
        'stagegate;help;report' {
            break
        }
        'stagegate;help;schema' {
            break
        }
        'stagegate;help;completions' {
            break
        }
        'stagegate;help;man' {
            break
        }
        'stagegate;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
