using System.Globalization;
using Consensus.Chaos.Clients;
using Consensus.Simulation.Clients;

namespace Consensus.Peers.Trials;

/// <summary>
/// Puts and linearizable gets of single keys with one member, each asked once and recorded, as process chaos asks and records. Members of
/// both systems have the same API, so what they answer is read alike.
/// </summary>
/// <param name="limit">An answer that comes later is none.</param>
internal sealed class TrialClient(Record record, Uri member, TimeSpan limit) : IDisposable
{
    private static int _clients;

    private readonly int _number = Interlocked.Increment(ref _clients);
    private readonly Attempts _attempts = new(() => [new Door(member.GetLeftPart(UriPartial.Authority), member.Authority)], "");

    /// <param name="value">Of this put alone: what a read sees says which put it was.</param>
    /// <returns>True when the member acknowledged it.</returns>
    public async Task<bool> PutAsync(string key, string value) =>
        (await AskAsync(OperationKind.Put, key, value)).Status == OperationStatus.Done;

    /// <summary>What it saw; null when it was not answered.</summary>
    public async Task<ReadResult?> GetAsync(string key) => (await AskAsync(OperationKind.Read, key)).Seen;

    public void Dispose() => _attempts.Dispose();

    /// <exception cref="TrialFailedException">The answer is none that the API has.</exception>
    private async Task<Operation> AskAsync(OperationKind kind, string key, string value = "")
    {
        var operation = record.Invoke(() => new Operation
        {
            Number = record.History.NextNumber,
            Client = _number,
            Kind = kind,
            Object = key,
            Value = value,
        });
        try
        {
            var told = await _attempts.TryAsync(operation, member: 0, (long)limit.TotalMilliseconds);
            record.Return(operation, told.Status, told.Outcome, told.Seen);
            return operation;
        }
        catch (InvalidDataException e)
        {
            throw new TrialFailedException(string.Create(CultureInfo.InvariantCulture, $"{member} answered {e.Message}"));
        }
    }
}
