using System.Globalization;
using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Chaos.Clients;

/// <summary>
/// A client with a session: several numbered requests at once, in any order, each asked again through any member until it is known what
/// came of it, and waits in slices. Some attempts come late, when others were long answered, acknowledged or settled; numbers are settled
/// that stay unknown, or that have not been sent. Each renewal asks for the news; a session that is not renewed in time, as some are not,
/// ends, and another one is opened.
/// </summary>
internal sealed class ChaosHolder(Record record, Func<IReadOnlyList<Door>> doors, ChaosSessionPlan plan, int round, ulong seed) : IAsker
{
    private const int Lanes = 3;
    private const int MaxSettlements = 40;

    private readonly Record _record = record;
    private readonly ChaosSessionPlan _plan = plan;
    private readonly Attempts _attempts = new(doors, string.Create(CultureInfo.InvariantCulture, $"r{round}-"));
    private volatile ChaosSession? _session;
    private volatile bool _isSettled;
    private long _answered;
    private long _slices;
    private long _late;

    public long Answered => Interlocked.Read(ref _answered);

    /// <summary>Slices of waits that were over before these.</summary>
    public long Slices => Interlocked.Read(ref _slices);

    /// <summary>Attempts that came late.</summary>
    public long Late => Interlocked.Read(ref _late);

    public void Dispose() => _attempts.Dispose();

    public async Task RunAsync(CancellationToken stop)
    {
        var lanes = Enumerable.Range(1, Lanes)
            .Select(i => new Lane(this, new DeterministicRandom(seed + (ulong)i)).RunAsync(stop))
            .ToList();
        var renewing = RenewAsync(new DeterministicRandom(seed));
        // What breaks ends the run: nobody else sees it.
        while (lanes.Count > 0)
        {
            var first = await Task.WhenAny([.. lanes, renewing]);
            await first;
            lanes.Remove(first);
        }
        _isSettled = true;
        await renewing;
    }

    /// <summary>Keeps a session, for as long as anybody asks under it.</summary>
    private async Task RenewAsync(DeterministicRandom random)
    {
        while (!_isSettled)
        {
            if (_session is not { IsOver: false } session)
            {
                await OpenAsync(random);
                continue;
            }
            // In one of twelve times longer than it lives.
            await Task.Delay((int)(random.Chance(1, 12) ? random.Next(3_000, 9_000) : random.Next(200, 1_200)));
            if (random.Chance(1, 40))
            {
                await OnceAsync(_plan.Revoke(_record.NextNumber, session.Id), random, 3_000);
                session.End();
            }
            else
            {
                await RenewAsync(session, random);
            }
        }
    }

    private async Task OpenAsync(DeterministicRandom random)
    {
        var opened = await OnceAsync(_plan.Open(_record.NextNumber, random.Next(2_000_000, 6_000_000)), random, 3_000);
        if (opened.Outcome is LeaseGranted granted)
        {
            _session = new ChaosSession(granted.Id);
        }
        else
        {
            await Task.Delay((int)random.Next(20, 300));
        }
    }

    private async Task RenewAsync(ChaosSession session, DeterministicRandom random)
    {
        var since = random.Chance(1, 6) ? 0 : session.Version;
        var sent = _record.Now;
        var renewal = await OnceAsync(_plan.Renew(_record.NextNumber, session.Id, since), random, random.Next(500, 3_000));
        if (renewal.Outcome is not LeasesRenewed { Renewals: [var renewed] })
        {
            return;
        }
        _record.Lives(session.Id, renewed.Alive, sent);
        if (!renewed.Alive)
        {
            session.End();
        }
        else if (renewal.Seen?.News is { } news)
        {
            session.Learn(since, news);
        }
    }

    /// <summary>One attempt, and no other.</summary>
    private async Task<Operation> OnceAsync(Operation operation, DeterministicRandom random, long patienceMs)
    {
        _record.Invoke(() => operation);
        operation.Attempts = 1;
        var result = await _attempts.TryAsync(operation, (int)random.Next(1000), patienceMs);
        operation.HadUnknownAttempt = result.Status == OperationStatus.Unknown;
        _record.Return(operation, result.Status, result.Outcome, result.Seen);
        return operation;
    }

    /// <summary>One request after another.</summary>
    private sealed class Lane(ChaosHolder owner, DeterministicRandom random)
    {
        private readonly Record _record = owner._record;
        private readonly List<Task> _late = [];

        public async Task RunAsync(CancellationToken stop)
        {
            while (!stop.IsCancellationRequested)
            {
                await Task.Delay((int)random.Next(60), CancellationToken.None);
                if (owner._session is not { IsOver: false } session)
                {
                    continue;
                }
                if (random.Chance(1, 15) && owner._plan.Outside(session, _record.NextNumber, random) is { } outside)
                {
                    await owner.OnceAsync(outside, random, 3_000);
                    continue;
                }
                var operation = _record.Invoke(() => owner._plan.Next(session, _record.History.NextNumber, random));
                await AskAsync(session, operation, stop);
                session.Closed(operation.Session.Number);
                Interlocked.Increment(ref owner._answered);
                _late.RemoveAll(attempt => attempt.IsCompletedSuccessfully);
            }
            await Task.WhenAll(_late);
        }

        /// <summary>Until it is known what came of it, or its session is over.</summary>
        private async Task AskAsync(ChaosSession session, Operation operation, CancellationToken stop)
        {
            // Numbers overtake each other on their way.
            await Task.Delay((int)(random.Chance(1, 4) ? random.Next(200) : 0), CancellationToken.None);
            var mayHappen = false;
            var settles = random.Chance(1, 20);
            while (!session.IsOver)
            {
                if (settles && await SettleAsync(session, operation) is var settled
                    && settled is not Settled { Result: SettleResult.Done or SettleResult.Refused })
                {
                    var isNever = settled is Settled { Result: SettleResult.NotDone };
                    _record.Return(operation, isNever ? OperationStatus.NotDone : OperationStatus.Unknown, null, null);
                    SendLater(session, operation, isOver: true);
                    return;
                }
                settles = false;
                mayHappen |= random.Chance(1, 8) && SendLater(session, operation, isOver: false);
                operation.Attempts++;
                var result = await TryAsync(session, operation);
                if (result.Status == OperationStatus.Done)
                {
                    if (End(session, operation, result.Outcome!))
                    {
                        return;
                    }
                    continue;
                }
                if (result.Status == OperationStatus.Open)
                {
                    operation.QueuedAt ??= _record.Now;
                    session.StandsInLine(operation.Session.Number);
                    Interlocked.Increment(ref owner._slices);
                    settles = stop.IsCancellationRequested || random.Chance(1, 12);
                    await Task.Delay((int)random.Next(random.Chance(1, 10) ? 3_000 : 50), CancellationToken.None);
                    continue;
                }
                mayHappen |= result.Status == OperationStatus.Unknown;
                settles = random.Chance(1, operation.WaitMicros > 0 ? 10 : 4);
                await Task.Delay((int)random.Next(20, 400), CancellationToken.None);
            }
            // A session that has ended tells of this attempt that it did nothing, and of others nothing.
            mayHappen |= operation.QueuedAt is not null;
            _record.Return(operation, mayHappen ? OperationStatus.Unknown : OperationStatus.NotDone, null, null);
        }

        /// <summary>False when its session is over.</summary>
        private bool End(ChaosSession session, Operation operation, Outcome outcome)
        {
            if (Record.IsEnd(outcome, session.Id))
            {
                session.End();
                return false;
            }
            switch (outcome)
            {
                case RetryTooLate:
                    // It was acknowledged while it stood in line, and what came of it is gone.
                    _record.Return(operation, OperationStatus.Unknown, null, null);
                    return true;
                case RequestWithdrawn:
                    // The answer to its settlement was lost.
                    _record.Return(operation, OperationStatus.NotDone, null, null);
                    return true;
                case HoldGranted granted:
                    session.Believe(granted.Hold.Object, granted.Hold.Token);
                    break;
                case ManyGranted many:
                    foreach (var hold in many.Holds)
                    {
                        session.Believe(hold.Object, hold.Token);
                    }
                    break;
                default:
                    break;
            }
            _record.Return(operation, OperationStatus.Done, outcome, null);
            if (random.Chance(1, 8))
            {
                SendLater(session, operation, isOver: true);
            }
            return true;
        }

        /// <summary>Null when it is not known, or the session is over.</summary>
        private async Task<Outcome?> SettleAsync(ChaosSession session, Operation operation)
        {
            for (var i = 0; i < MaxSettlements && !session.IsOver; i++)
            {
                var sent = _record.Now;
                var settlement = await owner.OnceAsync(owner._plan.Settle(_record.NextNumber, operation), random, random.Next(500, 4_000));
                if (settlement.Outcome is { } outcome)
                {
                    _record.ToldOfNumber(operation, outcome, sent);
                    if (Record.IsEnd(outcome, session.Id))
                    {
                        session.End();
                    }
                    return outcome;
                }
                await Task.Delay((int)random.Next(20, 400), CancellationToken.None);
            }
            return null;
        }

        /// <summary>
        /// One attempt more that comes in a while, as if the network had kept it back: it may be the first that comes at all, or the last.
        /// </summary>
        private bool SendLater(ChaosSession session, Operation operation, bool isOver)
        {
            var (member, delayMs) = ((int)random.Next(1000), (int)random.Next(100, isOver ? 2_000 : 6_000));
            var acked = DrawAcked(session, operation);
            _late.Add(LaterAsync());
            Interlocked.Increment(ref owner._late);
            return true;

            async Task LaterAsync()
            {
                await Task.Delay(delayMs);
                await TryAsync(operation, member, 5_000, operation.WaitMicros > 0 ? 200 : null, acked);
            }
        }

        private Task<AttemptResult> TryAsync(ChaosSession session, Operation operation)
        {
            long? slice = operation.WaitMicros > 0 && random.Chance(2, 3) ? random.Next(2_000) : null;
            var patience = random.Next(300, 5_000) + (slice ?? operation.WaitMicros / 1000);
            return TryAsync(operation, (int)random.Next(1000), patience, slice, DrawAcked(session, operation));
        }

        private async Task<AttemptResult> TryAsync(Operation operation, int member, long patienceMs, long? sliceMs, long acked)
        {
            _record.Acknowledged(operation.Session.Session, acked);
            var sent = _record.Now;
            var result = await owner._attempts.TryAsync(operation, member, patienceMs, new Attempt(sliceMs, acked));
            if (result is { Status: OperationStatus.Done, Outcome: { } outcome })
            {
                _record.ToldOfNumber(operation, outcome, sent);
            }
            return result;
        }

        /// <summary>It may fall from one attempt to the next: what was acknowledged stays so.</summary>
        private long DrawAcked(ChaosSession session, Operation operation) =>
            random.Chance(1, 4) ? 0 : session.AckedBelow(operation.Session.Number);
    }
}
