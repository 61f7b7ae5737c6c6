using System.Globalization;
using System.Text.Json;
using Consensus.Chaos.Machines;
using Consensus.Primitives;
using Consensus.Simulation.Nodes;

namespace Consensus.Chaos.Runs;

/// <summary>
/// One change of the membership at a time, while other faults go on: members join, vote and are removed, sometimes the leader, sometimes one that is dead or has
/// lost its disk. What is refused or of unknown fate is asked again, as an operator would. Once all else is healed the change must come to its end.
/// </summary>
internal sealed class Churn : IDisposable
{
    private const int FewestMembers = 3;
    private static readonly TimeSpan UntilItKnows = TimeSpan.FromSeconds(5);

    private readonly ChaosCluster _cluster;
    private readonly DeterministicRandom _random;
    private readonly DeterministicRandom _ofLeaders;
    private readonly Action<string> _count;
    private readonly Operator _operator;
    private readonly Operator _leaderOperator;
    private readonly CancellationTokenSource _faultsAreOver = new();
    private Task _change = Task.CompletedTask;

    /// <param name="count">Told each thing that was done; any thread.</param>
    public Churn(ChaosCluster cluster, ulong seed, Action<string> count)
    {
        (_cluster, _random, _count) = (cluster, new DeterministicRandom(seed), count);
        _ofLeaders = new DeterministicRandom(_random.NextUInt64());
        (_operator, _leaderOperator) = (new Operator(cluster, _random), new Operator(cluster, _ofLeaders));
    }

    private enum Leaver
    {
        Voter,
        Leader,
        Killed,
        Diskless,
    }

    public bool IsUnderWay => !_change.IsCompleted;

    /// <summary>Not while one is under way. What was wrong with the one before is thrown.</summary>
    public async Task BeginAsync()
    {
        await _change;
        _change = Task.Run(ChangeAsync);
    }

    /// <summary>Another voter is to lead. Whether it does is open; beside a change that is under way.</summary>
    public async Task HandOverAsync()
    {
        var members = _cluster.Members;
        if (await _leaderOperator.HandOverAsync(members[(int)_ofLeaders.Next(members.Count)].Name))
        {
            _count("leadership handed over");
        }
    }

    /// <summary>All else is healed.</summary>
    /// <exception cref="SimulationFailureException">The change is not over within the limit, or the members do not agree on who they are.</exception>
    public async Task FinishAsync(TimeSpan limit)
    {
        _operator.LosePatienceAfter(limit);
        await _faultsAreOver.CancelAsync();
        try
        {
            await _change;
            await _operator.UntilAllKnowAsync(_cluster.Members);
        }
        catch (OperationCanceledException)
        {
            throw new SimulationFailureException("progress", string.Create(
                CultureInfo.InvariantCulture, $"the membership did not settle within {limit.TotalSeconds} s of healing: {_operator.LastStep}"));
        }
    }

    public void Dispose()
    {
        _operator.Dispose();
        _leaderOperator.Dispose();
        _faultsAreOver.Dispose();
    }

    private async Task ChangeAsync()
    {
        if (!await AllAreFormedAsync())
        {
            return;
        }
        var voters = _cluster.Members;
        switch (_random.Next(8))
        {
            case 0 when voters.Count < _cluster.MostMembers:
                await JoinAsync();
                break;
            case 1 or 2 when voters.Count > FewestMembers:
                await RemoveAsync(await ChooseAsync(voters));
                break;
            case 3:
                await LeaveAsLearnerAsync();
                break;
            case 4:
                await ReplaceInPlaceAsync(voters);
                break;
            case 5 or 6:
                await SwapAsync(voters);
                break;
            default:
                await JoinAsync();
                await RemoveAsync(await ChooseAsync(voters));
                break;
        }
    }

    private async Task JoinAsync(Member? former = null, string? formerId = null)
    {
        var (_, id) = await AddAsync(former, formerId);
        await _operator.PromoteAsync(id);
        _count("membership: a learner votes");
    }

    private async Task<(Member Joiner, string Id)> AddAsync(Member? former = null, string? formerId = null)
    {
        var joiner = _cluster.StartJoiner(former);
        var id = await _operator.AddAsync(joiner.Name, formerId);
        _cluster.UpdateDoors();
        _count("membership: a learner is added");
        return (joiner, id);
    }

    private async Task RemoveAsync((Member Leaver, string Id, Leaver Kind) leaver)
    {
        End(leaver.Leaver, leaver.Kind);
        await _operator.RemoveAsync(leaver.Id);
        _count($"membership: removal of {Describe(leaver.Kind)}");
        await PartAsync(leaver.Leaver, leaver.Kind);
    }

    /// <summary>A learner takes the place of a voter in one step.</summary>
    private async Task SwapAsync(IReadOnlyList<Member> voters)
    {
        var (_, joinerId) = await AddAsync();
        var leaver = await ChooseAsync(voters);
        End(leaver.Leaver, leaver.Kind);
        await _operator.PromoteAsync(joinerId, leaver.Id);
        _count($"membership: a learner votes in the place of {Describe(leaver.Kind)}");
        await PartAsync(leaver.Leaver, leaver.Kind);
    }

    /// <summary>A learner that never votes.</summary>
    private async Task LeaveAsLearnerAsync()
    {
        var (joiner, id) = await AddAsync();
        await Task.Delay((int)_random.Next(3_000));
        await _operator.RemoveAsync(id);
        _count("membership: removal of a learner");
        await PartAsync(joiner, Leaver.Voter);
    }

    /// <summary>
    /// A disk is lost and the machine comes back under the same name and address: it must not be taken for the member that it was. Then what docs/membership.md
    /// says: remove the old one, start the new one, add it, let it vote.
    /// </summary>
    private async Task ReplaceInPlaceAsync(IReadOnlyList<Member> voters)
    {
        var (leaver, leaverId, kind) = await ChooseAsync(voters, Leaver.Diskless);
        if (kind != Leaver.Diskless)
        {
            return;
        }
        leaver.End(withData: true);
        var impostor = _cluster.StartImpostor(leaver);
        if (await impostor.HasEndedWithinAsync(UntilItKnows))
        {
            _count("membership: a member without its data was refused");
        }
        impostor.End(withData: true);
        await _operator.RemoveAsync(leaverId);
        _count("membership: removal of a voter without its disk");
        _cluster.Leave(leaver);
        await JoinAsync(leaver, leaverId);
        _count("membership: a voter comes back anew under its name");
    }

    private static void End(Member leaver, Leaver kind)
    {
        if (kind is Leaver.Killed or Leaver.Diskless)
        {
            leaver.End(withData: kind == Leaver.Diskless);
        }
    }

    /// <summary>Until it learns that it was removed, clients go on asking it: it must not answer out of the past.</summary>
    private async Task PartAsync(Member leaver, Leaver kind)
    {
        if (kind is Leaver.Voter or Leaver.Leader && await leaver.HasEndedWithinAsync(UntilItKnows))
        {
            _count("membership: a removed process ended by itself");
        }
        _cluster.Leave(leaver);
    }

    /// <summary>Whoever is ready has formed, and needs the list of the first members no more. False when faults ended before all had.</summary>
    private async Task<bool> AllAreFormedAsync()
    {
        while (_cluster.Members.FirstOrDefault(m => !m.IsFormed) is { } member)
        {
            if (_faultsAreOver.IsCancellationRequested)
            {
                return false;
            }
            member.IsFormed = await _operator.IsReadyAsync(member.Url);
            await Task.Delay(100);
        }
        return true;
    }

    /// <param name="wanted">How it leaves; drawn when null. Nobody dies whom the others cannot do without.</param>
    private async Task<(Member Leaver, string Id, Leaver Kind)> ChooseAsync(IReadOnlyList<Member> voters, Leaver? wanted = null)
    {
        while (true)
        {
            var kind = wanted ?? (Leaver)_random.Next(4);
            if (await _operator.ClusterAsync() is { } answer)
            {
                var name = kind == Leaver.Leader ? answer.GetProperty("leader").GetString() : voters[(int)_random.Next(voters.Count)].Name;
                var leaver = voters.FirstOrDefault(m => m.Name == name);
                var known = answer.GetProperty("members").EnumerateArray().FirstOrDefault(m => m.GetProperty("name").GetString() == name);
                if (leaver is not null && known.ValueKind == JsonValueKind.Object)
                {
                    return (leaver, known.GetProperty("id").GetString()!, kind is Leaver.Killed or Leaver.Diskless && !MayDie(leaver) ? Leaver.Voter : kind);
                }
            }
            await _operator.PauseAsync();
        }
    }

    /// <summary>Only where a majority of all goes on without it.</summary>
    private bool MayDie(Member leaver)
    {
        var members = _cluster.Members;
        return members.Count(m => m != leaver && m is { IsUp: true, IsFrozen: false }) > members.Count / 2;
    }

    private static string Describe(Leaver kind) => kind switch
    {
        Leaver.Voter => "a voter",
        Leaver.Leader => "the leader",
        Leaver.Killed => "a dead voter",
        _ => "a voter without its disk",
    };
}
