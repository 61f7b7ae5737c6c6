using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Node.Core.Flow;
using Consensus.Primitives;
using Consensus.Server.Hosting;

namespace Consensus.Server.Http;

/// <summary>Writes answers: status, the headers that every answer carries, a Content-Length, and the body in one piece.</summary>
/// <param name="unsent">What large answers may hold until their clients have taken them.</param>
internal sealed class Replies(IConsensusNode node, ByteBudget unsent)
{
    public const string JsonContentType = "application/json";

    /// <summary>Of an answer each connection has this much for itself, which the bound on connections counts.</summary>
    private const int OwnAnswerBytes = KestrelLimits.MaxUnsentBytes;

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

    public Task NoContent(HttpContext http, Revision revision)
    {
        Start(http, StatusCodes.Status204NoContent, revision);
        return Task.CompletedTask;
    }

    public Task Json<T>(HttpContext http, int status, T answer, JsonTypeInfo<T> type, Revision revision)
    {
        Start(http, status, revision);
        http.Response.ContentType = JsonContentType;
        var buffer = JsonBuffer.Rent();
        JsonSerializer.Serialize(buffer.Json, answer, type);
        Body(http, buffer.Written);
        buffer.Return();
        return Task.CompletedTask;
    }

    public Task Problem(HttpContext http, Problem problem)
    {
        Start(http, problem.Type.Status, problem.StateRevision);
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
        Body(http, buffer.Written);
        buffer.Return();
        return Task.CompletedTask;
    }

    /// <summary>The body in one piece; the server sends it together with the headers when the request ends. Nothing for HEAD.</summary>
    /// <remarks>
    /// A large one is held whole until its client has taken it, and takes as long as the client likes. While such answers hold all that they may, a read is answered with 429 instead;
    /// what was done is told all the same.
    /// </remarks>
    public void Body(HttpContext http, ReadOnlySpan<byte> body)
    {
        var isHead = HttpMethods.IsHead(http.Request.Method);
        if (!isHead && body.Length > OwnAnswerBytes && !TryHold(http, body.Length))
        {
            http.Response.Clear();
            Problem(http, NoRoom);
            return;
        }
        http.Response.ContentLength = body.Length;
        if (!isHead)
        {
            http.Response.BodyWriter.Write(body);
        }
    }

    /// <summary>
    /// What is to be done and answers with what it reads is asked for this beforehand, for its answer is told all the same: the refusal while answers that their clients do not take hold
    /// what they may, else null.
    /// </summary>
    public Problem? RefusalOfReads() => unsent.Held < unsent.OrdinaryLimit ? null : NoRoom;

    private Problem NoRoom => new(
        ProblemTypes.TooManyRequests, $"answers that their clients have not taken yet hold the {unsent.Limit} bytes that this member has for them; nothing was done")
    {
        RetryAfterSeconds = 1,
    };

    private bool TryHold(HttpContext http, int bytes)
    {
        if (!HttpMethods.IsGet(http.Request.Method))
        {
            unsent.Hold(bytes);
        }
        else if (!unsent.TryHold(bytes, isUrgent: false))
        {
            return false;
        }
        http.Response.OnCompleted(() =>
        {
            unsent.LetGo(bytes);
            return Task.CompletedTask;
        });
        return true;
    }

    /// <summary>An entity tag: a key's modRevision in quotes.</summary>
    public static string EntityTag(Revision modRevision) => string.Create(CultureInfo.InvariantCulture, $"\"{modRevision.Value}\"");

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
