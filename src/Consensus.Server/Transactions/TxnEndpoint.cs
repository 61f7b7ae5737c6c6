using System.Collections.Immutable;
using Consensus.Api;
using Consensus.Node;
using Consensus.Server.Auth;
using Consensus.Server.Commands;
using Consensus.Server.Hosting;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Transactions;
using Consensus.Translation;

namespace Consensus.Server.Transactions;

/// <summary>POST of <c>/v1/txn</c>: several compares and operations on keys in one revision.</summary>
internal sealed class TxnEndpoint(JudgedReads reads, CommandRunner commands, Replies replies)
{
    /// <summary>Of one result in the answer beside its key and what it read, at most.</summary>
    private const long ResultJsonBytes = 160;

    public async Task ExecuteAsync(ApiCall call)
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
        if (TxnReader.Read(body, out refusal) is not { } command)
        {
            await replies.Problem(http, refusal!);
            return;
        }
        if (Reads(command) && replies.RefusalOfReads() is { } noRoom)
        {
            await replies.Problem(http, noRoom);
            return;
        }
        if (replies.RoomFor(Math.Max(WrittenJsonBytes(command.Success), WrittenJsonBytes(command.Failure)), isUrgent: false) is not { } room)
        {
            await replies.Problem(http, replies.NoRoom);
            return;
        }
        CommandAnswer answer;
        using (room)
        {
            answer = await commands.ExecuteAsync(call, identity, body, command);
        }
        if (answer is { Kind: AnswerKind.Done, Outcome: TxnDone done })
        {
            await AnswerAsync(http, TxnReads.Lacks(done) ? await ReadAgainAsync(call, command, done) : done);
        }
        else
        {
            await replies.Problem(http, AnswerProblems.Of(answer));
        }
    }

    /// <summary>Of the results without what is read, which has to find room by itself.</summary>
    private static long WrittenJsonBytes(ImmutableArray<TxnOperation> operations) =>
        operations.Sum(operation => ResultJsonBytes + (operation is TxnPut put ? JsonTexts.MostBytesOf(put.Key) : 0));

    /// <summary>What was read then is told now to who may read it now (rule 21).</summary>
    private static Access[] Gets(TxnCommand command) =>
    [
        .. command.Success.Concat(command.Failure).OfType<TxnGet>().Select(static get => get.IsPrefix
            ? Access.ToPrefix(Spaces.Keys, Verbs.Read, get.Key)
            : Access.To(Spaces.Keys, Verbs.Read, get.Key)),
    ];

    private static bool Reads(TxnCommand command) => command.Success.Any(operation => operation is TxnGet) || command.Failure.Any(operation => operation is TxnGet);

    /// <summary>What a revision holds never changes: only that this member has reached it is asked for.</summary>
    private async ValueTask<TxnDone> ReadAgainAsync(ApiCall call, TxnCommand command, TxnDone done)
    {
        var read = await reads.ReadUnchangingAsync(call, new ReadOptions(ReadConsistency.Linearizable, done.Revision), Gets(command));
        if (read.View is not { } view)
        {
            return done;
        }
        await IoThread.Leave();
        return TxnReads.ReadAgain(command, done, view);
    }

    /// <summary>What was done is told, room or none; what was read is left out when there is none.</summary>
    private Task AnswerAsync(HttpContext http, TxnDone done)
    {
        replies.Start(http, StatusCodes.Status200OK, done.Revision);
        var form = Accepts.ChooseDocument(http);
        http.Response.ContentType = Accepts.NameOf(form);
        var buffer = replies.RentForReads();
        buffer.Write(new TxnDocument(done, withReads: true), form);
        if (buffer.IsRefused)
        {
            buffer.Return();
            buffer = replies.Rent(http);
            buffer.Write(new TxnDocument(done, withReads: false), form);
        }
        return replies.Send(http, buffer);
    }
}
