using System.Collections.Immutable;
using Consensus.Node.Core.Flow;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Core;

/// <summary>One command. It is bound to the leader of one term, so what became of it can be told.</summary>
/// <param name="lane">See <see cref="LaneOf"/>.</param>
public class PendingCommand(RequestId request, ReadOnlyMemory<byte> payload, string principal, CommandLane lane) : PendingRequest<CommandAnswer>
{
    /// <summary>About what one holds beside its payload, in bytes.</summary>
    private const int OwnBytes = 300;

    /// <summary>As above, with what it says of an acquire, whose parts take about what the payload does.</summary>
    private const int AcquireBytes = 200;

    private readonly ImmutableArray<ObjectName> _several = [];
    private readonly int _severalBytes;

    /// <summary>A client's command, with all that the desk has to know of it.</summary>
    /// <param name="payload">The envelope, encoded.</param>
    public PendingCommand(RequestId request, CommandEnvelope envelope, ReadOnlyMemory<byte> payload)
        : this(request, payload, envelope.Principal, LaneOf(envelope.Command, payload.Length))
    {
        Asked = AskedBy(envelope.Command);
        WaitMicros = envelope.Command switch
        {
            AcquireCommand acquire => acquire.WaitMicros,
            AcquireManyCommand many => many.WaitMicros,
            _ => 0,
        };
        _several = envelope.Command is AcquireManyCommand { Names.Length: > 1 } several ? [.. several.Names.Select(ObjectName.Lock)] : [];
        _severalBytes = NameBytes.Of(_several);
        HasIdentity = envelope.HasIdentity;
        IsOfSession = !envelope.Session.IsNone;
        Acquire = envelope.Command is AcquireCommand && WaitMicros > 0 ? envelope : null;
    }

    public RequestId Request { get; } = request;

    /// <summary>The encoded command envelope; empty once it is applied, while it waits for its turn in a line.</summary>
    public ReadOnlyMemory<byte> Payload { get; private set; } = payload;

    public CommandLane Lane { get; internal set; } = lane;

    /// <summary>
    /// An acquire that waits if it must: whether it would is asked again and again while it is queued. Null for what waits for nobody, and
    /// once it is applied.
    /// </summary>
    internal CommandEnvelope? Acquire { get; private protected set; }

    /// <summary>What it counts for in budgets.</summary>
    public int Bytes => OwnBytes + Payload.Length + _severalBytes + (Acquire is null ? 0 : AcquireBytes + Payload.Length);

    public string Principal { get; } = principal;

    /// <summary>What an acquire asks for, the first of several, so that it can be cancelled; null for other commands.</summary>
    public ObjectName? Asked { get; init; }

    /// <summary>As this, of several locks every one, in that order, however long it waits for them; empty for other commands.</summary>
    public ImmutableArray<ObjectName> AllAsked => !_several.IsEmpty ? _several : Asked is { } one ? [one] : [];

    /// <summary>In how many lines an acquire has a place while it waits.</summary>
    public int Places => Math.Max(1, AllAsked.Length);

    /// <summary>How long the request may wait in line, in microseconds.</summary>
    public long WaitMicros { get; init; }

    /// <summary>Whether its client is connected is nothing to its place, nor to what it is granted: they are its session's (rule 18).</summary>
    public bool IsOfSession { get; init; }

    /// <summary>A retry under its idempotency key, or under its number, can find what this request left behind. A lease is no identity: many requests may name it (rule 18).</summary>
    public bool HasIdentity { get; init; }

    /// <summary>True for the node's own bookkeeping: nobody reads the answer, and it may run while the member stops.</summary>
    public bool IsInternal { get; init; }

    /// <summary>Loop time at which it was first queued at this desk, in microseconds.</summary>
    internal long ArrivedMicros { get; set; }

    /// <summary>What it holds of the bytes that may be on their way to the leader; 0 unless it was forwarded.</summary>
    internal int ForwardedBytes { get; set; }

    /// <summary>It is applied, and is never sent again.</summary>
    internal void ForgetPayload() => (Payload, Acquire) = (default, null);

    /// <summary>Of <see cref="PendingQueue"/>.</summary>
    internal PendingCommand? Ahead { get; set; }

    internal PendingCommand? Behind { get; set; }

    /// <param name="bytes">Of its encoded envelope.</param>
    public static CommandLane LaneOf(Command command, int bytes) =>
        bytes > Urgency.MaxBytes ? CommandLane.Bulk : Urgency.Of(command) ? CommandLane.Urgent : CommandLane.Small;

    /// <summary>For <see cref="Asked"/>.</summary>
    private static ObjectName? AskedBy(Command command) => command switch
    {
        AcquireCommand acquire => acquire.Object,
        AcquireManyCommand { Names: [var first, ..] } => ObjectName.Lock(first),
        _ => null,
    };
}
