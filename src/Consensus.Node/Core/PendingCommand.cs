using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Core;

/// <summary>One command. It is bound to the leader of one term, so what became of it can be told.</summary>
public class PendingCommand(RequestId request, ReadOnlyMemory<byte> payload, string principal) : PendingRequest<CommandAnswer>
{
    public RequestId Request { get; } = request;

    /// <summary>The encoded command envelope.</summary>
    public ReadOnlyMemory<byte> Payload { get; } = payload;

    public string Principal { get; } = principal;

    /// <summary>What an acquire asks for, so that it can be cancelled; empty for other commands.</summary>
    public ImmutableArray<ObjectName> Asked { get; init; } = [];

    /// <summary>How long the request may wait in the lock's queue, in microseconds.</summary>
    public long WaitMicros { get; init; }

    /// <summary>A retry under its idempotency key can find what this request left behind. A lease is no identity: many requests may name it (rule 18).</summary>
    public bool HasIdentity { get; init; }

    /// <summary>True for the node's own bookkeeping: nobody reads the answer, and it may run while the member stops.</summary>
    public bool IsInternal { get; init; }

    /// <summary>Of <see cref="PendingQueue"/>.</summary>
    internal PendingCommand? Ahead { get; set; }

    internal PendingCommand? Behind { get; set; }

    /// <summary>For <see cref="Asked"/>.</summary>
    public static ImmutableArray<ObjectName> AskedBy(Command command) => command switch
    {
        AcquireLockCommand acquire => [acquire.Object],
        AcquireManyCommand many => [.. many.Names.Select(ObjectName.Lock)],
        _ => [],
    };
}
