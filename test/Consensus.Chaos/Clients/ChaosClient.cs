using System.Globalization;
using System.Text.Json;
using Consensus.Primitives;
using Consensus.Server.Watches;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Chaos.Clients;

/// <summary>
/// One client: one operation at a time over plain HTTP, tried again through any member under the same identity. It waits in slices, leaves
/// lines that it waits in, takes back what it does not know the fate of, and sends again what was answered already.
/// </summary>
/// <param name="workload">What it asks; null for one that asks only what it is told to.</param>
internal sealed class ChaosClient(
    Record record,
    Func<IReadOnlyList<Door>> doors,
    int number,
    int round,
    ulong seed,
    Func<DeterministicRandom, Workload>? workload = null) : IAsker
{
    private const int MaxAttempts = 8;

    private readonly DeterministicRandom _random = new(seed);
    private readonly Workload? _workload = workload?.Invoke(new DeterministicRandom(seed ^ 0x57AB1E));
    private readonly Attempts _attempts = new(doors, string.Create(CultureInfo.InvariantCulture, $"r{round}-"));
    private int _favourite = (int)(seed % 1000);

    /// <summary>Operations answered so far; read by others.</summary>
    public long Answered { get; private set; }

    /// <summary>Lines that it left while it waited.</summary>
    public long WaitsLeft { get; private set; }

    public long SentAgain { get; private set; }

    /// <summary>Slices of waits that were over before these.</summary>
    public long Slices { get; private set; }

    public void Dispose() => _attempts.Dispose();

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await DoAsync(() => _workload!.Next(record.Now));
            await Task.Delay((int)_random.Next(30), CancellationToken.None);
        }
    }

    /// <summary>Something outside its own plan.</summary>
    public Task<Operation> AskAsync(OperationKind kind, string name, ObjectName of = default, Command? command = null, string value = "") => DoAsync(() => new Operation
    {
        Number = record.History.NextNumber,
        Client = number,
        Kind = kind,
        Object = name,
        Name = of,
        Value = value,
        Command = command,
        TtlMicros = command is AcquireCommand acquire ? acquire.TtlMicros : 0,
        WaitMicros = command switch { AcquireCommand one => one.WaitMicros, AcquireManyCommand many => many.WaitMicros, _ => 0 },
        HasIdentity = kind is not (OperationKind.Read or OperationKind.ReadKeys or OperationKind.ReadHold or OperationKind.ReadLock or OperationKind.ReadFence),
    });

    /// <summary>What a watch of this looks at when it begins anew: the revision of it, or null when nobody answers.</summary>
    public async Task<long?> LookAsync(WatchTarget target)
    {
        var name = target.Name.ToString();
        var read = target.Kind == WatchKind.Election
            ? await AskAsync(OperationKind.ReadHold, name, ObjectName.Election(target.Name))
            : await AskAsync(OperationKind.ReadKeys, name);
        return read.Seen?.ViewRevision;
    }

    /// <summary>What is no operation of a history: the body of a success, from whichever member; null otherwise.</summary>
    public Task<JsonElement?> GetAsync(string path) => _attempts.GetAsync(path, (int)_random.Next(1000));

    private async Task<Operation> DoAsync(Func<Operation> next)
    {
        var operation = record.Invoke(next);
        var gaveUp = await TryUntilItEndsAsync(operation);
        record.Learn(() => _workload?.Learn(operation, record.Now));
        if (operation.Status == OperationStatus.Done)
        {
            Answered++;
        }
        if (gaveUp)
        {
            await WithdrawAsync(operation);
        }
        else if (operation is { HasIdentity: true, Status: OperationStatus.Done } && !FinalAnswers.IsRenewal(operation) && _random.Chance(1, 12))
        {
            await SendAgainAsync(operation);
        }
        return operation;
    }

    /// <summary>True when it is to be withdrawn.</summary>
    private async Task<bool> TryUntilItEndsAsync(Operation operation)
    {
        var leaves = operation.WaitMicros > 0 && _workload is not null && _random.Chance(1, 6);
        while (true)
        {
            operation.Attempts++;
            if (operation.Attempts > 1 || _random.Chance(1, operation.QueuedAt is null ? 20 : 3))
            {
                _favourite = (int)_random.Next(1000);
            }
            var patience = leaves
                ? _random.Next(20, 1 + (operation.WaitMicros / 1000))
                : _random.Next(300, 7_000) + (operation.WaitMicros / 1000);
            var isSliced = operation is { WaitMicros: > 0, HasIdentity: true } && _random.Chance(2, 3);
            var result = await TryAsync(operation, patience, isSliced ? _random.Next(2_000) : null);
            if (result.Status == OperationStatus.Done)
            {
                record.Return(operation, OperationStatus.Done, result.Outcome, result.Seen);
                return false;
            }
            var waits = result.Status == OperationStatus.Open;
            if (waits && !leaves)
            {
                // At most until its wait is over: then it is answered.
                operation.QueuedAt ??= record.Now;
                Slices++;
                operation.Attempts--;
                await Task.Delay((int)_random.Next(_random.Chance(1, 10) ? 2_000 : 50));
                continue;
            }
            // Who has a place may be granted it, whatever was said of an attempt since.
            operation.HadUnknownAttempt |= (result.Status != OperationStatus.NotDone || operation.QueuedAt is not null)
                && !operation.IsRead;
            WaitsLeft += leaves && operation.HadUnknownAttempt ? 1 : 0;
            var gaveUp = operation is { HasIdentity: true, HadUnknownAttempt: true } && _workload is not null && (leaves ? _random.Chance(1, 2) : _random.Chance(1, 8));
            var mayRetry = operation.HasIdentity || operation.IsRead || operation.Kind == OperationKind.Withdraw || !operation.HadUnknownAttempt;
            var isLast = gaveUp || leaves || result.IsFinal || !mayRetry || (operation.Attempts >= MaxAttempts && operation.Kind != OperationKind.Withdraw) || operation.Attempts >= 3 * MaxAttempts;
            if (isLast)
            {
                record.Return(operation, operation.HadUnknownAttempt ? OperationStatus.Unknown : OperationStatus.NotDone, null, null);
                return gaveUp;
            }
            await Task.Delay((int)_random.Next(20, 500));
        }
    }

    private async Task WithdrawAsync(Operation operation)
    {
        await DoAsync(() => new Operation
        {
            Number = record.History.NextNumber,
            Client = number,
            Kind = OperationKind.Withdraw,
            Object = operation.Owner,
            Command = new WithdrawCommand(Key.FromText(operation.Owner)),
            Withdraws = operation,
        });
        if (_random.Chance(1, 2))
        {
            await SendAgainAsync(operation);
        }
    }

    /// <summary>One attempt more of what is over, as if the network had kept it back.</summary>
    private async Task SendAgainAsync(Operation operation)
    {
        _favourite = (int)_random.Next(1000);
        SentAgain++;
        var result = await TryAsync(operation, 5_000);
        if (result is { Status: OperationStatus.Done, Outcome: { } outcome })
        {
            record.ToldAgain(operation, outcome);
        }
    }

    private Task<AttemptResult> TryAsync(Operation operation, long patienceMs, long? sliceMs = null) =>
        _attempts.TryAsync(operation, _favourite, patienceMs, new Attempt(sliceMs));
}
