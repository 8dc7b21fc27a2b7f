module completions {

  def "nu-complete stagegate format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate color" [] {
    [ "auto" "always" "never" ]
  }

  # Load-test, evaluate, and gate AI deployments from one manifest
  export extern stagegate [
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete stagegate init template" [] {
    [ "rag" "chat" "agent" "embeddings" "minimal" ]
  }

  def "nu-complete stagegate init ci" [] {
    [ "github" "gitlab" ]
  }

  def "nu-complete stagegate init format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate init color" [] {
    [ "auto" "always" "never" ]
  }

  # Write a manifest and a golden set to start from
  export extern "stagegate init" [
    --template: string@"nu-complete stagegate init template" # What to start from; `rag` where there is no manifest yet
    --ci: string@"nu-complete stagegate init ci" # Also write the gate as a step of a CI system
    --force                   # Overwrite files that exist
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate init format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate init color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    folder?: path             # Where to write; made when it is not there
  ]

  def "nu-complete stagegate check format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate check color" [] {
    [ "auto" "always" "never" ]
  }

  # Check the manifest, without secrets and without network
  export extern "stagegate check" [
    --probe                   # Call each stage once and show what came back
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate check format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate check color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete stagegate demo format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate demo color" [] {
    [ "auto" "always" "never" ]
  }

  # Run the whole story on a built-in pipeline: two releases, one with a hidden regression
  export extern "stagegate demo" [
    --serve                   # Only serve the pipeline, to try every other command against it
    --port: string            # Serve on this port [default: 8642 with --serve, else a free one]
    --keep                    # Leave the project behind
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate demo format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate demo color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete stagegate calibrate format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate calibrate color" [] {
    [ "auto" "always" "never" ]
  }

  # Measure this machine's own floor: schedule lag, TTFT and gap error, highest rate, most streams
  export extern "stagegate calibrate" [
    --serve                   # Only serve the reference server, to hold other load generators against it
    --against: string         # Only measure TTFT and gap error, against a reference server that this machine serves at this address
    --rate: string            # Open so many streams a second there
    --duration: string        # Measure for so long there
    --port: string            # Serve on this port [default: a free one]
    --delay: string           # Wait so long before a plain answer
    --ttft: string            # Wait so long before the first token of a stream
    --gap: string             # Wait so long between two tokens
    --tokens: string          # Send so many tokens, where a request does not limit them
    --freeze: string          # Stand still for so long, every so often, for instance `200ms/2s`
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate calibrate format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate calibrate color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete stagegate load format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate load color" [] {
    [ "auto" "always" "never" ]
  }

  # Load-test stages as the manifest's [load.NAME] says
  export extern "stagegate load" [
    --stage: string           # Put only this stage or pipeline under load; may be given several times
    --rate: string            # Send at this rate in an open loop, for instance `20/s`
    --concurrency: string     # Let this many users send in a closed loop
    --duration: string        # Measure for so long, for instance `30s`
    --seed: string            # Take the arrivals and cases of this seed
    --find-limit              # Find the highest arrival rate at which every SLO holds, and what gives way first
    --shard: string           # Send only shard I of N of the load; `runs merge` puts the parts together
    --start-at: string        # Begin to measure at this time, for instance `2026-11-24T14:30:00Z`
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate load format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate load color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...names: string          # Loads to run; all of them when none is named
  ]

  def "nu-complete stagegate profile format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate profile color" [] {
    [ "auto" "always" "never" ]
  }

  # Profile latency: each stage alone and inside the pipeline, at low load and at a given load
  export extern "stagegate profile" [
    --load: string            # Take the arrivals and the data of this load; without it, of the first that calls the stage
    --rate: string            # Send at this rate in an open loop, for instance `20/s`
    --concurrency: string     # Let this many users send in a closed loop
    --duration: string        # Take so long for each measurement; 5s without it
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate profile format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate profile color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...stages: string         # Stages or pipelines to profile; without any, the entry of the deployment
  ]

  def "nu-complete stagegate eval format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate eval color" [] {
    [ "auto" "always" "never" ]
  }

  # Run eval suites as the manifest's [eval.NAME] says
  export extern "stagegate eval" [
    --repeats: string         # Ask each case so many times
    --resume                  # Continue the newest incomplete run; no answered case is asked again
    --no-cache                # Ask every case afresh; no answer is cached between runs, so this is always so
    --only: string            # Ask only this case; may be given several times
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate eval format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate eval color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...names: string          # Suites to run; all of them when none is named
  ]

  def "nu-complete stagegate diff format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate diff color" [] {
    [ "auto" "always" "never" ]
  }

  # Compare two releases
  export extern "stagegate diff" [
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate diff format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate diff color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    base?: string             # The release to compare with: a git revision, a run's id, an exported file, `latest~1`; the release measured before HEAD when none is given
    head?: string             # The release that is judged, named in the same ways; `latest` when none is given
  ]

  def "nu-complete stagegate gate inconclusive" [] {
    [ "fail" "neutral" ]
  }

  def "nu-complete stagegate gate format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate gate color" [] {
    [ "auto" "always" "never" ]
  }

  # Measure this release, compare it with its base, and decide whether it may ship
  export extern "stagegate gate" [
    --base: string            # Compare with this release instead of the one measured before
    --wait: string            # Wait so long for stages that cannot be reached yet
    --dry-run                 # Show what would be run and compared, and run nothing
    --seed-base: string       # Measure this release so often as a base for later ones, and judge nothing
    --accept                  # Write what was found for the worse into the manifest as `[[accept]]`, to be reviewed
    --until: string           # The tag of the last release that an accepted change holds for; the next minor version when none is given
    --reason: string          # Why the accepted changes are meant
    --inconclusive: string@"nu-complete stagegate gate inconclusive" # End with 1 or 0 instead of 4 when the verdict is inconclusive
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate gate format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate gate color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete stagegate runs format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate runs color" [] {
    [ "auto" "always" "never" ]
  }

  # List, show, merge, export, import, and delete the stored runs
  export extern "stagegate runs" [
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate runs format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate runs color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete stagegate runs list format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate runs list color" [] {
    [ "auto" "always" "never" ]
  }

  # List the stored runs, newest first
  export extern "stagegate runs list" [
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate runs list format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate runs list color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete stagegate runs show format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate runs show color" [] {
    [ "auto" "always" "never" ]
  }

  # Show one run, or all of one release; of a gate, the comparison that it was decided by
  export extern "stagegate runs show" [
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate runs show format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate runs show color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    run?: string              # A run's id or its start, `latest`, `latest~1`, a git revision, or an exported file
  ]

  def "nu-complete stagegate runs merge format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate runs merge color" [] {
    [ "auto" "always" "never" ]
  }

  # Put the parts of a load that was sent by several processes (`load --shard`) together, and store the whole
  export extern "stagegate runs merge" [
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate runs merge format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate runs merge color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...runs: string           # The parts, as ids or exported files
  ]

  def "nu-complete stagegate runs prune format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate runs prune color" [] {
    [ "auto" "always" "never" ]
  }

  # Delete old runs; the newest of each kind, name, and environment, and those of tagged commits, stay
  export extern "stagegate runs prune" [
    --keep: string            # Keep so many of the newest of each kind, name, and environment
    --older-than: string      # Delete only what is older, for instance `30d`
    --tagged                  # Also delete runs of tagged commits
    --dry-run                 # Only say what would be deleted
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate runs prune format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate runs prune color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete stagegate runs export format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate runs export color" [] {
    [ "auto" "always" "never" ]
  }

  # Print one run as a self-contained document, with histograms, intervals, and the comparison of a gate; of a revision the whole release
  export extern "stagegate runs export" [
    --name: string            # Take the run of this load or suite, where the release has several
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate runs export format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate runs export color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    run?: string              # A run's id or its start, `latest`, `latest~1`, or a git revision
  ]

  def "nu-complete stagegate runs import format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate runs import color" [] {
    [ "auto" "always" "never" ]
  }

  # Store the runs of an exported file, so that gates of this project are held against them
  export extern "stagegate runs import" [
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate runs import format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate runs import color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    file: path                # What `runs export` printed: a run, or a release
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "stagegate runs help" [
  ]

  # List the stored runs, newest first
  export extern "stagegate runs help list" [
  ]

  # Show one run, or all of one release; of a gate, the comparison that it was decided by
  export extern "stagegate runs help show" [
  ]

  # Put the parts of a load that was sent by several processes (`load --shard`) together, and store the whole
  export extern "stagegate runs help merge" [
  ]

  # Delete old runs; the newest of each kind, name, and environment, and those of tagged commits, stay
  export extern "stagegate runs help prune" [
  ]

  # Print one run as a self-contained document, with histograms, intervals, and the comparison of a gate; of a revision the whole release
  export extern "stagegate runs help export" [
  ]

  # Store the runs of an exported file, so that gates of this project are held against them
  export extern "stagegate runs help import" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "stagegate runs help help" [
  ]

  def "nu-complete stagegate report format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate report color" [] {
    [ "auto" "always" "never" ]
  }

  # Render stored results again, in any format
  export extern "stagegate report" [
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate report format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate report color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    what?: string             # A run as `runs show` takes it, or two releases as BASE..HEAD
    head?: string             # The release that is judged, where the first word is the base alone
  ]

  def "nu-complete stagegate schema document" [] {
    [ "manifest" "run" "diff" ]
  }

  def "nu-complete stagegate schema format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate schema color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the JSON Schema of the manifest, a run, or a comparison
  export extern "stagegate schema" [
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate schema format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate schema color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    document?: string@"nu-complete stagegate schema document" # Which document
  ]

  def "nu-complete stagegate completions shell" [] {
    [ "bash" "elvish" "fish" "nushell" "powershell" "zsh" ]
  }

  def "nu-complete stagegate completions format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate completions color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the completions of a shell
  export extern "stagegate completions" [
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate completions format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate completions color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    shell: string@"nu-complete stagegate completions shell" # The shell that reads them
  ]

  def "nu-complete stagegate man format" [] {
    [ "human" "json" "jsonl" "markdown" "junit" "csv" "github" ]
  }

  def "nu-complete stagegate man color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the manual page, or write all of them
  export extern "stagegate man" [
    --dir: path               # Write the pages of every command into DIR
    -C: path                  # Run as if started in DIR
    --manifest(-m): path      # Read the manifest from FILE instead of `stagegate.toml`
    --env(-e): string         # Use the environment ENV of the manifest
    --set: string             # Override a key of the manifest, for instance `load.peak.duration=10s`
    --format: string@"nu-complete stagegate man format" # Print the result as FORMAT
    --out: string             # Also write the result as FORMAT to PATH; may be given several times
    --quiet(-q)               # Say nothing but the result, warnings, and errors
    --verbose(-v)             # Say more about what is being done
    --color: string@"nu-complete stagegate man color" # Use colour
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "stagegate help" [
  ]

  # Write a manifest and a golden set to start from
  export extern "stagegate help init" [
  ]

  # Check the manifest, without secrets and without network
  export extern "stagegate help check" [
  ]

  # Run the whole story on a built-in pipeline: two releases, one with a hidden regression
  export extern "stagegate help demo" [
  ]

  # Measure this machine's own floor: schedule lag, TTFT and gap error, highest rate, most streams
  export extern "stagegate help calibrate" [
  ]

  # Load-test stages as the manifest's [load.NAME] says
  export extern "stagegate help load" [
  ]

  # Profile latency: each stage alone and inside the pipeline, at low load and at a given load
  export extern "stagegate help profile" [
  ]

  # Run eval suites as the manifest's [eval.NAME] says
  export extern "stagegate help eval" [
  ]

  # Compare two releases
  export extern "stagegate help diff" [
  ]

  # Measure this release, compare it with its base, and decide whether it may ship
  export extern "stagegate help gate" [
  ]

  # List, show, merge, export, import, and delete the stored runs
  export extern "stagegate help runs" [
  ]

  # List the stored runs, newest first
  export extern "stagegate help runs list" [
  ]

  # Show one run, or all of one release; of a gate, the comparison that it was decided by
  export extern "stagegate help runs show" [
  ]

  # Put the parts of a load that was sent by several processes (`load --shard`) together, and store the whole
  export extern "stagegate help runs merge" [
  ]

  # Delete old runs; the newest of each kind, name, and environment, and those of tagged commits, stay
  export extern "stagegate help runs prune" [
  ]

  # Print one run as a self-contained document, with histograms, intervals, and the comparison of a gate; of a revision the whole release
  export extern "stagegate help runs export" [
  ]

  # Store the runs of an exported file, so that gates of this project are held against them
  export extern "stagegate help runs import" [
  ]

  # Render stored results again, in any format
  export extern "stagegate help report" [
  ]

  # Print the JSON Schema of the manifest, a run, or a comparison
  export extern "stagegate help schema" [
  ]

  # Print the completions of a shell
  export extern "stagegate help completions" [
  ]

  # Print the manual page, or write all of them
  export extern "stagegate help man" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "stagegate help help" [
  ]

}

export use completions *
