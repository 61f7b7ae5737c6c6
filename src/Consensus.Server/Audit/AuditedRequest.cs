using Consensus.Security.Audit;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;

namespace Consensus.Server.Audit;

/// <summary>
/// A request that is recorded, or that may turn out to be one. It holds what it was asked with and nothing of its connection: a wait between
/// two of its requests has it too.
/// </summary>
/// <param name="asked">What is known before it is served.</param>
/// <param name="isRecorded">False: only where it is done to others.</param>
/// <param name="isIntended">It says that it is about to be done before it is.</param>
internal sealed class AuditedRequest(AuditTrail trail, AuditRecord asked, bool isRecorded, bool isIntended)
{
    private readonly long _began = trail.Clock.GetTimestamp();
    private readonly Lock _gate = new();
    private Task? _intent;

    /// <summary>What stands in its records so far.</summary>
    public AuditRecord Asked { get; private set; } = asked;

    public bool IsRecorded { get; private set; } = isRecorded;

    public long DurationMicros => (long)trail.Clock.GetElapsedTime(_began).TotalMicroseconds;

    /// <summary>
    /// To be called where it was found allowed, before anything is done. Comes back when the record that says so is on the disk, where one
    /// has to be. Parts of one request that are done at a time have one record, and one fate.
    /// </summary>
    /// <exception cref="AuditUnavailableException">It cannot be: nothing may be done.</exception>
    public ValueTask IntendAsync(Command? command = null)
    {
        lock (_gate)
        {
            if (_intent is { IsFaulted: false } begun)
            {
                return new ValueTask(begun);
            }
            if (command is not null)
            {
                Learn(command);
            }
            if (!isIntended && !(IsRecorded && Asked.Event == AuditEvent.Force))
            {
                return default;
            }
            _intent = WriteIntentAsync();
            return new ValueTask(_intent);
        }
    }

    private async Task WriteIntentAsync()
    {
        var written = await trail.Log.WriteAsync(Asked with { Time = trail.Clock.GetUtcNow(), Decision = AuditRecord.Intent });
        if (written.Trouble is { } trouble)
        {
            throw new AuditUnavailableException(trouble);
        }
        Asked = Asked with { IntentSequence = written.Sequence };
    }

    /// <summary>A body may have what the target does not: that it is done to others, and to what.</summary>
    private void Learn(Command command)
    {
        if (AuditedKind.IsForce(command))
        {
            IsRecorded = true;
            Asked = Asked with { Event = AuditEvent.Force, Verb = AuditedKind.Break };
        }
        if (Asked.Name.Length > 0)
        {
            return;
        }
        var named = (Accesses.Of(command) ?? []).Where(static access => access.Space != Spaces.None).ToList();
        if (named is [var first, ..])
        {
            Asked = Asked with
            {
                Name = AuditText.Bounded(first.Name.Bytes),
                IsPrefix = first.IsPrefix,
                Count = named.Count > 1 ? named.Count : null,
            };
        }
    }
}
