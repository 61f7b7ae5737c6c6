using System.Globalization;
using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Scenarios.Runner;

/// <summary>The members of one scenario: production cores, hosts and disks of the tests. Nothing happens but by a command.</summary>
internal sealed class ScenarioCluster
{
    private const int MostDeliveries = 10_000;

    private readonly SortedDictionary<int, ScenarioMember> _members = [];
    private readonly List<string> _output = [];
    private ScenarioLinks _links = new();
    private ScenarioSafety _safety = new();
    private Configuration _configuration = Configuration.Empty;
    private RaftOptions _options = Make.Options;

    /// <summary>What one command prints.</summary>
    public IReadOnlyList<string> Run(ScenarioCommand command)
    {
        _output.Clear();
        Do(command);
        foreach (var member in _members.Values)
        {
            _output.AddRange(member.TakeChanges());
        }
        return [.. _output];
    }

    private void Do(ScenarioCommand command)
    {
        switch (command.Name)
        {
            case "cluster":
                Form(command);
                break;
            case "start":
                Start(command);
                break;
            case "settle":
                Settle(command.Arguments.Contains("quiet"));
                break;
            case "deliver":
                _links.Take(command).ForEach(Deliver);
                break;
            case "drop":
                Print(_links.Take(command));
                break;
            case "duplicate":
                Print(_links.Duplicate(command));
                break;
            case "hold":
                Print(_links.Hold(command));
                break;
            case "release":
                Print(_links.Release(command));
                break;
            case "queue":
                Print(_links.Queue);
                break;
            case "cut":
                _links.Cut(command.Number(0), command.Number(1));
                break;
            case "isolate":
                _members.Keys.ToList().ForEach(other => _links.Cut(command.Number(0), other));
                break;
            case "heal":
                _links.Heal();
                break;
            case "state":
                var shown = command.Arguments.Count > 0 ? ScenarioCommand.ParseNumbers(command.Arguments[0]) : [.. _members.Keys];
                _output.AddRange(shown.Select(n => ScenarioPrinter.State(_members[n].Host, _members[n].IsDown)));
                break;
            case "progress":
                _output.AddRange(_members[command.Number(0)].Host.Node.GetProgress().Select(p => ScenarioPrinter.Progress(p)));
                break;
            case "tick":
                Tick(command);
                break;
            default:
                DoAt(_members[command.Number(0)], command);
                break;
        }
    }

    private void DoAt(ScenarioMember member, ScenarioCommand command)
    {
        var host = member.Host;
        switch (command.Name)
        {
            case "restart":
                host.CrashAndRestart();
                member.IsDown = false;
                break;
            case "crash":
                host.Disk.Crash();
                member.IsDown = true;
                _links.Forget(host.Id);
                return;
            default:
                Invariant.Require(!member.IsDown, "a member that is down does nothing");
                DoAtRunning(member, command);
                break;
        }
        Collect(member);
    }

    private void DoAtRunning(ScenarioMember member, ScenarioCommand command)
    {
        var host = member.Host;
        switch (command.Name)
        {
            case "campaign":
                host.TickToTimeout();
                break;
            case "propose":
                Propose(host, command);
                break;
            case "read":
                ScenarioCommand.ParseNumbers(command.Arguments[1]).ToList().ForEach(context => host.Node.ReadIndex(context));
                break;
            case "transfer":
                if (!host.Node.TransferLeadership(Make.Id(command.Number(1))))
                {
                    _output.Add("refused");
                }
                break;
            case "disk":
                host.PersistsAtOnce = command.Arguments[1] == "fast";
                if (host.PersistsAtOnce)
                {
                    host.PersistAll();
                }
                break;
            case "persist":
                for (var left = command.Number("count", host.Disk.Waiting); left > 0; left--)
                {
                    host.PersistOne();
                }
                break;
            case "gone":
                host.Node.ReportProcessGone(Make.Id(command.Number(1)));
                break;
            case "linked":
                host.Node.ReportNewProcess(Make.Id(command.Number(1)), _members[command.Number(1)].Host.Boot);
                break;
            case "unreachable":
                host.Node.ReportUnreachable(Make.Id(command.Number(1)));
                break;
            case "snapshot":
                host.TakeSnapshot();
                break;
            case "snapshot-sent":
                host.Node.ReportSnapshotSent(
                    member.SentSnapshots[Make.Id(command.Number(1))], command.Arguments[2] == "ok" ? SnapshotReport.Taken : SnapshotReport.Broken);
                break;
            default:
                throw new FormatException($"there is no command '{command.Name}'");
        }
        host.Pump();
    }

    private void Form(ScenarioCommand command)
    {
        _configuration = Make.Configured(command.Numbers("voters"), command.Numbers("outgoing"), command.Numbers("learners"));
        _options = Make.Options with
        {
            TrailingEntries = command.Number("trailing", 0),
            MaxInflightAppends = command.Number("inflight", Make.Options.MaxInflightAppends),
            MaxAppendBytes = command.Number("bytes", Make.Options.MaxAppendBytes),
        };
        _members.Clear();
        (_links, _safety) = (new ScenarioLinks(), new ScenarioSafety());
        foreach (var member in _configuration.Members)
        {
            var number = (int)member.Id.Value;
            _members.Add(number, new ScenarioMember(Make.Host(number, _configuration, options: _options)));
        }
    }

    private void Start(ScenarioCommand command)
    {
        var number = command.Number(0);
        SnapshotMark? snapshot = null;
        if (command.Named.TryGetValue("snapshot", out var mark))
        {
            var parts = mark.Split(':');
            snapshot = Make.Mark(
                long.Parse(parts[0], CultureInfo.InvariantCulture), long.Parse(parts[1], CultureInfo.InvariantCulture), _configuration);
        }
        var first = (snapshot?.LastIndex.Value ?? 0) + 1;
        Entry[] log = [.. command.Numbers("log").Select((term, i) => Make.Entry(first + i, term))];
        var term = command.Named.ContainsKey("term") ? command.Number("term", 0) : (long?)null;
        var host = Make.Host(number, _configuration, log, term, command.Number("vote", 0), _options, snapshot);
        _members[number] = new ScenarioMember(host);
    }

    private void Propose(Host host, ScenarioCommand command)
    {
        for (var left = command.Number("count", 1); left > 0; left--)
        {
            var result = host.Node.Propose(Make.Command(command.Number("bytes", 8)), out _, out _);
            if (result != ProposeResult.Appended)
            {
                _output.Add($"refused: {result}");
            }
        }
    }

    private void Tick(ScenarioCommand command)
    {
        int[] numbers = command.Arguments[0] == "all" ? [.. _members.Keys] : ScenarioCommand.ParseNumbers(command.Arguments[0]);
        for (var left = command.Number(1); left > 0; left--)
        {
            foreach (var member in numbers.Select(n => _members[n]).Where(m => !m.IsDown))
            {
                member.Host.Tick(1);
                Collect(member);
            }
        }
    }

    private void Settle(bool isQuiet)
    {
        var printed = _output.Count;
        for (var delivered = 0; _links.Queue.Count > 0; delivered++)
        {
            Invariant.Require(delivered < MostDeliveries, "the members come to rest");
            _links.Take(new ScenarioCommand("deliver", [], new Dictionary<string, string> { ["count"] = "1" })).ForEach(Deliver);
        }
        if (isQuiet)
        {
            _output.RemoveRange(printed, _output.Count - printed);
        }
    }

    private void Deliver(Message message)
    {
        var target = _members[(int)message.To.Value];
        if (target.IsDown || _links.IsCut(message))
        {
            _output.Add($"lost {ScenarioPrinter.Text(message)}");
            return;
        }
        _output.Add(ScenarioPrinter.Text(message));
        target.Host.Step(message);
        Collect(target);
    }

    /// <summary>What a member sent goes on its way; what it applied, and whether it leads, must agree with everybody else.</summary>
    private void Collect(ScenarioMember member)
    {
        _links.Add(member.Host.Sent);
        foreach (var install in member.Host.Sent.OfType<InstallSnapshotRequest>())
        {
            member.SentSnapshots[install.To] = install;
        }
        member.Host.Sent.Clear();
        _safety.Check(member.Host);
    }

    private void Print(IEnumerable<Message> messages)
    {
        var before = _output.Count;
        _output.AddRange(messages.Select(ScenarioPrinter.Text));
        if (_output.Count == before)
        {
            _output.Add("nothing");
        }
    }
}
