using Consensus.Api;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.Server.Holds;
using Consensus.Server.Hosting;
using Consensus.Server.Http;
using Consensus.Server.Json;
using Consensus.Server.Routing;
using Consensus.Server.Tls;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.Translation;

namespace Consensus.Server.Locks;

/// <summary>POST of <c>/v1/multilock</c>: all of several locks or none, in one step.</summary>
internal sealed class MultiLockEndpoint(IConsensusNode node, CommandRunner commands, SlicedWaits waits, Replies replies, ServerInfo info)
{
    /// <summary>Of one of the locks in the answer beside its name, at most.</summary>
    private const long ItemJsonBytes = 60;

    private static Problem TooLargeToWait => Problem.TooLarge(
        $"the answer to a multi-lock that waits has {KestrelLimits.OwnAnswerBytes} bytes at most: name fewer locks, or ask without \"wait\"; nothing was done");

    public async Task AcquireAsync(ApiCall call)
    {
        var http = call.Http;
        if (!RequestIdentity.TryRead(call, out var identity, out var refusal))
        {
            await replies.Problem(http, refusal!);
            return;
        }
        var (body, problem) = await RequestBody.ReadAsync(call, ApiLimits.MaxRequestBytes, "the request");
        if (problem is not null)
        {
            await replies.Problem(http, problem);
            return;
        }
        if (Read(body, info.MinTtlMicros, out refusal) is not { } asked)
        {
            await replies.Problem(http, refusal!);
            return;
        }
        var bytes = asked.Names.Sum(name => JsonTexts.MostBytesOf(name) + ItemJsonBytes);
        if (asked.WaitMicros > 0 && bytes > KestrelLimits.OwnAnswerBytes)
        {
            // Room for its answer would be held for as long as it waits.
            await replies.Problem(http, TooLargeToWait);
            return;
        }
        if (!Slices.TryRead(call.Query, identity, out var slice, out refusal))
        {
            await replies.Problem(http, refusal!);
            return;
        }
        if (replies.RoomFor(bytes, isUrgent: false) is not { } room)
        {
            await replies.Problem(http, replies.NoRoom);
            return;
        }
        using var standing = asked.WaitMicros > 0 ? StandingRequest.Begin(http) : default;
        var aborted = http.RequestAborted;
        var mark = RequestMark.Of(call, identity, body);
        CommandAnswer? told;
        using (room)
        {
            told = asked.WaitMicros > 0 && !identity.IsNone
                ? await WaitAsync(http, mark, slice, asked)
                : await ExecuteAsync(mark, asked, aborted);
        }
        if (told is not { } answer)
        {
            return;
        }
        if (answer.Kind != AnswerKind.Done || answer.Outcome is not ManyGranted granted)
        {
            await replies.Problem(http, AnswerProblems.Of(answer));
            return;
        }
        if (aborted.IsCancellationRequested)
        {
            waits.Untaken(answer, hasKey: !identity.Key.IsEmpty);
            return;
        }
        var (cluster, now) = node.Moment;
        var shown = LockShapes.Of(granted, now, cluster.ToString());
        await replies.Json(http, StatusCodes.Status200OK, shown, ApiJson.Default.MultiLockAnswer, granted.Revision);
        if (Replies.WasCutOff(http))
        {
            waits.Untaken(answer, hasKey: !identity.Key.IsEmpty);
        }
    }

    private ValueTask<CommandAnswer?> WaitAsync(HttpContext http, RequestMark mark, TimeSpan? slice, AcquireManyCommand asked) =>
        waits.AnswerAsync(http, mark, slice, gone => ExecuteAsync(mark, asked, gone));

    private ValueTask<CommandAnswer> ExecuteAsync(RequestMark mark, AcquireManyCommand asked, CancellationToken gone) => commands.WithNewLeaseAsync(
        mark, asked, static (asked, lease) => asked with { OwnLease = asked.SharedLease.IsNone ? lease : LeaseId.None }, gone);

    private static AcquireManyCommand? Read(ReadOnlyMemory<byte> body, long minTtlMicros, out Problem? refusal)
    {
        var json = new StrictObjectReader(body);
        var fields = default(HoldFields);
        string? owner = null;
        List<Key>? names = null;
        Problem? badName = null;
        while (json.NextField())
        {
            if (json.Is("owner"u8, HoldFields.Next))
            {
                owner = json.Text();
            }
            else if (json.Is("names"u8, HoldFields.Next + 1))
            {
                names = ReadNames(ref json, out badName);
            }
            else if (!fields.TryRead(ref json) && !fields.TryReadWait(ref json))
            {
                json.Unknown();
            }
        }
        var sentence = json.Refusal
            ?? (names is null or [] ? "the field \"names\" names no lock" : null)
            ?? HoldFields.RefuseOwner(owner)
            ?? fields.Refuse(minTtlMicros);
        refusal = badName ?? (sentence is null ? null : Problem.BadRequest(sentence));
        return refusal is not null
            ? null
            : new AcquireManyCommand([.. names!], owner!, fields.TtlMicros, LeaseId.None, fields.Lease)
            {
                WaitMicros = fields.WaitMicros,
                LockDelayMicros = fields.LockDelayMicros,
                MaxHoldMicros = fields.MaxHoldMicros,
                Metadata = fields.Metadata,
            };
    }

    /// <param name="refusal">For a name that a lock cannot have; everything else is the reader's own.</param>
    private static List<Key>? ReadNames(ref StrictObjectReader json, out Problem? refusal)
    {
        refusal = null;
        if (!json.EnterArray("an array of lock names"))
        {
            return null;
        }
        var names = new List<Key>();
        var seen = new HashSet<Key>();
        while (json.NextItem())
        {
            if (json.TextBytes() is not { } bytes)
            {
                json.Wrong("a lock name");
                break;
            }
            var name = Key.Own(bytes);
            refusal = Names.Judge(name, $"lock name \"{json.Path()}\"", isText: true);
            if (refusal is not null)
            {
                json.Refuse(refusal.Detail);
            }
            else if (names.Count == ApiLimits.MaxMultiLockNames)
            {
                json.Refuse($"the field \"names\" names more than {ApiLimits.MaxMultiLockNames} locks");
            }
            else if (!seen.Add(name))
            {
                json.Refuse($"the field \"{json.Path()}\" is a lock that is named before");
            }
            else
            {
                names.Add(name);
            }
        }
        return names;
    }
}
