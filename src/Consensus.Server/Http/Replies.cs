using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Node.Core.Flow;
using Consensus.Primitives;
using Consensus.Server.Connections;
using Consensus.Server.Documents;
using Consensus.Server.Hosting;
using Consensus.Server.Tls;
using Consensus.Translation;

namespace Consensus.Server.Http;

/// <summary>Writes answers: status, the headers that every answer carries, a Content-Length, and the body.</summary>
/// <param name="unsent">What large answers may hold until their clients have taken them.</param>
/// <param name="asksWho">Every connection has shown who it is of, or is a stranger's: then it is told nothing of the cluster.</param>
internal sealed class Replies(IConsensusNode node, ByteBudget unsent, bool asksWho = false)
{
    /// <summary>The <c>Cache-Control</c> of what no cache may keep.</summary>
    public const string NotKept = "no-store";

    private LeadershipText _leadership = new(-1, "", "");
    private RevisionText _revision = new(-1, "");
    private long _newest;

    /// <summary>Header texts of the last answers: most answers between two changes share them.</summary>
    private sealed record LeadershipText(long Term, string TermText, string LeaderName);

    private sealed record RevisionText(long Revision, string Text);

    /// <summary>Status and the headers of rule 29, for an answer whose body the caller writes or that has none.</summary>
    public void Start(HttpContext http, int status, Revision revision)
    {
        var response = http.Response;
        response.StatusCode = status;
        SayWhoMayKeepIt(http, status);
        if (asksWho)
        {
            KeepFromPages(response.Headers);
            // Whoever shows a token came so far by it.
            if (http.Request.Headers.Authorization.Count == 0
                && CallerConnection.Of(http) is not { IsKnown: true }
                && AdminSocket.Of(http) is null)
            {
                return;
            }
        }
        var headers = response.Headers;
        var (term, leaderName) = node.Leadership;
        var leadership = _leadership;
        if (leadership.Term != term || !ReferenceEquals(leadership.LeaderName, leaderName))
        {
            _leadership = leadership = new LeadershipText(term, Text(term), leaderName);
        }
        var number = NumberOf(revision);
        var known = _revision;
        if (known.Revision != number)
        {
            _revision = known = new RevisionText(number, Text(number));
        }
        headers[ApiHeaders.Revision] = known.Text;
        headers[ApiHeaders.Term] = leadership.TermText;
        headers[ApiHeaders.Leader] = leadership.LeaderName;
    }

    /// <summary>
    /// To who is not known, whatever was asked: 401, or 429, and the end of the connection. Nothing of its body is read. One that is still
    /// coming is not waited for either: the server would take it for seconds and throw it away.
    /// </summary>
    /// <param name="problem">What is wrong with the credential, and what to do.</param>
    public async Task Unknown(HttpContext http, Problem problem)
    {
        var response = http.Response;
        var headers = response.Headers;
        response.StatusCode = problem.Type.Status;
        SayWhoMayKeepIt(http, response.StatusCode);
        KeepFromPages(headers);
        if (problem.RetryAfterSeconds is { } pause)
        {
            headers.RetryAfter = Text(pause);
        }
        else
        {
            headers.WWWAuthenticate = "Bearer";
        }
        headers.ContentType = ProblemType.ContentType;
        if (HttpProtocol.IsHttp11(http.Request.Protocol))
        {
            headers.Connection = "close";
        }
        CallerConnection.Of(http)?.EndGracefully();
        var buffer = JsonBuffer.Rent();
        JsonSerializer.Serialize(buffer.Json, problem.ToAnswer(), ApiJson.Default.ProblemAnswer);
        Write(http, buffer.Written, isOwed: true);
        buffer.Return();
        if (RequestBody.IsPossible(http) && !HttpProtocol.IsHttp2(http.Request.Protocol))
        {
            await response.CompleteAsync();
            http.Abort();
        }
    }

    /// <summary>
    /// A browser presents the certificates that are installed in it to every page's requests: what comes of them is for no page, by
    /// whatever way it was asked for.
    /// </summary>
    private static void KeepFromPages(IHeaderDictionary headers)
    {
        headers.XContentTypeOptions = "nosniff";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
    }

    /// <summary>
    /// What was read may be kept as long as it is asked again each time, under what it depends on: an answer to a page's request is another one. Anything else is kept by nobody: a 404 or
    /// a 410 would else be told to others after it ceased to be true (RFC 9111 §4.2.2).
    /// </summary>
    private static void SayWhoMayKeepIt(HttpContext http, int status)
    {
        var headers = http.Response.Headers;
        if (IsRead(http) && status is (StatusCodes.Status200OK or StatusCodes.Status304NotModified))
        {
            headers.CacheControl = "no-cache";
            headers.Vary = "Accept, Origin";
        }
        else
        {
            headers.CacheControl = NotKept;
        }
    }

    /// <summary>
    /// An answer that no state was read for names the newest revision that this member is known to be at. The status is republished now and then only, so by itself it would
    /// take a client back behind the answer to its own last write.
    /// </summary>
    private long NumberOf(Revision revision)
    {
        var newest = Volatile.Read(ref _newest);
        if (revision.Value == 0)
        {
            return Math.Max(newest, node.Status.Revision.Value);
        }
        while (revision.Value > newest)
        {
            var seen = Interlocked.CompareExchange(ref _newest, revision.Value, newest);
            if (seen == newest)
            {
                break;
            }
            newest = seen;
        }
        return revision.Value;
    }

    /// <summary>What a resource takes, for OPTIONS.</summary>
    public Task Options(HttpContext http, string allow)
    {
        http.Response.Headers.Allow = allow;
        return NoContent(http, Revision.Zero);
    }

    public Task NoContent(HttpContext http, Revision revision)
    {
        Start(http, StatusCodes.Status204NoContent, revision);
        return Task.CompletedTask;
    }

    /// <summary>A document as JSON, or as MessagePack to who would rather have it so.</summary>
    public Task Json<T>(HttpContext http, int status, T answer, JsonTypeInfo<T> type, Revision revision) =>
        Json(http, status, answer, type, revision, isLargeOwed: !IsRead(http));

    /// <summary>As above.</summary>
    /// <param name="isLargeOwed">
    /// A large answer is told whether there is room for it or not. False, whatever the method, where nothing is done by what has one: it
    /// may be asked for again.
    /// </param>
    public Task Json<T>(HttpContext http, int status, T answer, JsonTypeInfo<T> type, Revision revision, bool isLargeOwed)
    {
        Start(http, status, revision);
        var form = Accepts.ChooseDocument(http);
        http.Response.ContentType = Accepts.NameOf(form);
        var buffer = JsonBuffer.Rent(unsent, isUrgent: false, isLargeOwed);
        buffer.Write(answer, type, form);
        return SendWritten(http, buffer, isLargeOwed);
    }

    /// <summary>What is begun already: in the form that its reader asked for.</summary>
    public Task Document<TDocument>(HttpContext http, TDocument document)
        where TDocument : IDocument
    {
        var form = Accepts.ChooseDocument(http);
        http.Response.ContentType = Accepts.NameOf(form);
        var buffer = Rent(http);
        buffer.Write(document, form);
        return Send(http, buffer);
    }

    /// <summary>
    /// Where an answer is written for <see cref="Send"/>. While large answers hold all that they may, one to a read is refused; what was done is told all the same.
    /// </summary>
    public JsonBuffer Rent(HttpContext http) => JsonBuffer.Rent(unsent, isUrgent: false, isOwed: !IsRead(http));

    /// <summary>For an answer that tells something else when there is no room, not even in the last tenth: see <see cref="JsonBuffer.IsRefused"/>.</summary>
    public JsonBuffer RentForReads() => JsonBuffer.Rent(unsent, isUrgent: true, isOwed: false);

    public Task Problem(HttpContext http, Problem problem)
    {
        Start(http, problem.Type.Status, problem.StateRevision);
        if (problem.Denial is { } denial)
        {
            http.Features.Set(denial);
        }
        var headers = http.Response.Headers;
        headers.ContentType = ProblemType.ContentType;
        if (problem.RetryAfterSeconds is { } seconds)
        {
            headers.RetryAfter = Text(seconds);
        }
        if (problem.Allow is not null)
        {
            headers.Allow = problem.Allow;
        }
        if (problem.ClosesConnection && HttpProtocol.IsHttp11(http.Request.Protocol))
        {
            headers.Connection = "close";
        }
        var buffer = JsonBuffer.Rent();
        JsonSerializer.Serialize(buffer.Json, problem.ToAnswer(), ApiJson.Default.ProblemAnswer);
        Write(http, buffer.Written, isOwed: true);
        buffer.Return();
        return Task.CompletedTask;
    }

    /// <summary>The body that was written, with its length; nothing for HEAD. The buffer is given back.</summary>
    /// <remarks>
    /// A small one is sent together with the headers when the request ends. A large one is held until its client has taken it, and takes as long as the client likes, as slices of a
    /// stream.
    /// </remarks>
    public Task Send(HttpContext http, JsonBuffer buffer) => SendWritten(http, buffer, isLargeOwed: !IsRead(http));

    private Task SendWritten(HttpContext http, JsonBuffer buffer, bool isLargeOwed)
    {
        buffer.Json.Flush();
        if (buffer.IsRefused)
        {
            buffer.Return();
            return Refuse(http, NoRoom);
        }
        if (buffer.Length > KestrelLimits.OwnAnswerBytes)
        {
            return SendLarge(http, buffer.Take(), isLargeOwed);
        }
        if (buffer.IsLarge)
        {
            // It asked for more room than it used. Its connection, or its stream, has room for it, and what an owed one holds past the
            // bound is given back at once.
            Write(http, buffer.ToBytes(0, 0), isOwed: !IsRead(http));
        }
        else
        {
            Write(http, buffer.Written, isOwed: !IsRead(http));
        }
        buffer.Return();
        return Task.CompletedTask;
    }

    /// <summary>A body that is there already: a value of the state, a document, a text. A large one counts as an answer until it is taken: the state may have let go of it.</summary>
    /// <param name="isUrgent">Tells an operator what is the matter: may use all of the budget.</param>
    public Task Body(HttpContext http, ReadOnlyMemory<byte> body, bool isUrgent = false)
    {
        if (body.Length <= KestrelLimits.OwnAnswerBytes)
        {
            Write(http, body.Span, isOwed: !IsRead(http));
            return Task.CompletedTask;
        }
        return unsent.TryHold(body.Length, isUrgent)
            ? SendLarge(http, new LargeAnswer([body], unsent, body.Length), isOwed: !IsRead(http))
            : Refuse(http, NoRoom);
    }

    private Task SendLarge(HttpContext http, LargeAnswer answer, bool isOwed)
    {
        http.Response.ContentLength = answer.Length;
        if (HttpMethods.IsHead(http.Request.Method))
        {
            answer.LetGo();
            return Task.CompletedTask;
        }
        var verdict = StreamMemory.Judge(http, 2 * LargeAnswer.SliceOf(http), isOwed);
        if (verdict == StreamVerdict.Serve)
        {
            return answer.SendAsync(http);
        }
        answer.LetGo();
        return TurnAway(http, verdict);
    }

    /// <summary>In one piece; the server sends it together with the headers when the request ends. Nothing for HEAD.</summary>
    private void Write(HttpContext http, ReadOnlySpan<byte> body, bool isOwed)
    {
        http.Response.ContentLength = body.Length;
        if (HttpMethods.IsHead(http.Request.Method) || body.IsEmpty)
        {
            return;
        }
        var verdict = StreamMemory.Judge(http, body.Length, isOwed);
        if (verdict == StreamVerdict.Serve)
        {
            http.Response.BodyWriter.Write(body);
            return;
        }
        _ = TurnAway(http, verdict);
    }

    /// <summary>There is no room on its stream: it is told so, or cut off.</summary>
    public Task TurnAway(HttpContext http, StreamVerdict verdict)
    {
        if (verdict == StreamVerdict.Refuse)
        {
            return Refuse(http, StreamMemory.NoRoom);
        }
        http.Features.Set(CutOff.One);
        StreamMemory.Abort(http);
        return Task.CompletedTask;
    }

    /// <summary>There was no room for the answer on its stream, and its connection was closed: whoever asked was told nothing.</summary>
    public static bool WasCutOff(HttpContext http) => http.Features.Get<CutOff>() is not null;

    private sealed class CutOff
    {
        public static readonly CutOff One = new();
    }

    private Task Refuse(HttpContext http, Problem problem)
    {
        http.Response.Clear();
        return Problem(http, problem);
    }

    private static bool IsRead(HttpContext http) => HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method);

    /// <summary>
    /// What is to be done and answers with what it reads is asked for this beforehand, for its answer is told all the same: the refusal while answers that their clients do not take hold
    /// what they may, else null.
    /// </summary>
    public Problem? RefusalOfReads() => unsent.Held < unsent.OrdinaryLimit ? null : NoRoom;

    /// <summary>Room for the answer to what is to be done; null when there is none: then nothing is to be done, and <see cref="NoRoom"/> is told.</summary>
    /// <param name="bytes">That the answer may have.</param>
    /// <param name="isUrgent">May use all of the budget.</param>
    public AnswerRoom? RoomFor(long bytes, bool isUrgent) => bytes <= KestrelLimits.OwnAnswerBytes ? AnswerRoom.Own
        : unsent.TryHold(bytes, isUrgent) ? new AnswerRoom(unsent, bytes)
        : null;

    public Problem NoRoom => new(
        ProblemTypes.TooManyRequests, $"answers that their clients have not taken yet hold the {unsent.Limit} bytes that this member has for them; nothing was done")
    {
        RetryAfterSeconds = 1,
    };

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
