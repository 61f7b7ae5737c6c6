using System.Net;
using System.Text;
using Consensus.Api.Problems;

namespace Consensus.Client.Transport;

/// <summary>
/// An answer as it came, and what of it is believed. A member answers with a success in the form that was asked for, or with a problem of
/// the contract under its own status. All else is a stranger's, such as a proxy's or that of another server on the port: nothing is read
/// out of its status, for whoever gave it may have passed the request on, or not.
/// </summary>
/// <param name="MediaType">Null or empty: it did not say.</param>
internal readonly record struct HeardAnswer(int Status, string? MediaType, TimeSpan? RetryAfter, byte[] Body)
{
    /// <summary>Of what a stranger said a person is told no more than this.</summary>
    private const int MostShown = 80;

    /// <summary>What the send of that request told.</summary>
    public Attempt Judge(Uri endpoint, ApiRequest request)
    {
        var status = (HttpStatusCode)Status;
        if (status == HttpStatusCode.Accepted)
        {
            return request.Slice is not null && IsPlace(Body)
                ? new Attempt(AttemptKind.Done, endpoint) { Status = status, Body = Body, IsPlace = true }
                : Foreign(endpoint, request);
        }
        if (Status is >= 200 and < 300)
        {
            return request.Form?.Read(status, Body) is { } value
                ? new Attempt(AttemptKind.Done, endpoint) { Status = status, Body = Body, Value = value }
                : Foreign(endpoint, request);
        }
        if (MediaType != ProblemType.ContentType || ProblemDocument.Read(Status, Body) is not { } problem)
        {
            return Foreign(endpoint, request);
        }
        return new Attempt(KindOf(problem.Type, request), endpoint)
        {
            Status = status,
            Body = Body,
            Slug = problem.Type.Slug,
            Detail = problem.Detail,
            RetryAfter = RetryAfter,
        };
    }

    /// <summary>No member gave it.</summary>
    public Attempt Foreign(Uri endpoint, ApiRequest request) =>
        new(request.IsWrite ? AttemptKind.Unknown : AttemptKind.NothingDone, endpoint)
        {
            Status = (HttpStatusCode)Status,
            IsForeign = true,
            Detail = $"{endpoint.Authority} does not answer as a Consensus member does: {Said()}.",
            RetryAfter = RetryAfter,
        };

    private static bool IsPlace(byte[] body) => AnswerBody.Read(body, ClientJson.Default.PlaceAnswer) is { Position: > 0 };

    private static AttemptKind KindOf(ProblemType problem, ApiRequest request)
    {
        if (problem == ProblemTypes.NoLeader || problem == ProblemTypes.NotReady || problem == ProblemTypes.TooManyRequests)
        {
            return AttemptKind.NothingDone;
        }
        if (problem == ProblemTypes.Unauthenticated || problem == ProblemTypes.Forbidden)
        {
            return AttemptKind.Denied;
        }
        if (problem == ProblemTypes.RetryTooLate || problem == ProblemTypes.SessionEnded)
        {
            return AttemptKind.Unknown;
        }
        return problem != ProblemTypes.OutcomeUnknown && problem != ProblemTypes.Internal ? AttemptKind.Refused
            : request.IsWrite ? AttemptKind.Unknown : AttemptKind.NothingDone;
    }

    private string Said()
    {
        var said = new StringBuilder("it said ").Append(Status);
        if (MediaType is { Length: > 0 } type)
        {
            said.Append(" (").Append(Shown(type)).Append(')');
        }
        if (FirstLine() is { Length: > 0 } line)
        {
            said.Append(" \"").Append(line).Append('"');
        }
        return said.Append(Status is >= 300 and < 400 ? ", and no redirect is followed" : "").ToString();
    }

    private string FirstLine()
    {
        foreach (var line in Encoding.UTF8.GetString(Body, 0, Math.Min(Body.Length, 4 * MostShown)).AsSpan().EnumerateLines())
        {
            if (!line.IsWhiteSpace())
            {
                return Shown(line.Trim());
            }
        }
        return "";
    }

    /// <summary>Without what could do something to a terminal, and not too long.</summary>
    private static string Shown(ReadOnlySpan<char> text)
    {
        var shown = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (shown.Length >= MostShown)
            {
                return shown.Append('…').ToString();
            }
            shown.Append(Rune.IsControl(rune) ? " " : rune.ToString());
        }
        return shown.ToString();
    }
}
