using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Consensus.Api;
using Consensus.Node;
using Consensus.Security.Audit;
using Consensus.Security.Generations;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Endpoint = Consensus.Server.Routing.Endpoint;

namespace Consensus.Server.Audit;

/// <summary>
/// What of a member's requests goes into its audit log, and how. Thread-safe. A request that is not recorded costs a comparison or two.
/// </summary>
/// <param name="isRequired">Whatever is recorded is so before it is done, not what administrators do alone.</param>
internal sealed class AuditTrail(AuditLog log, AuditLevels levels, bool isRequired, IConsensusNode node, TimeProvider clock)
{
    /// <summary>Refusals of one principal within a second that are records of their own.</summary>
    public const int WholeDenials = 100;

    private static readonly TimeSpan DenialWindow = TimeSpan.FromSeconds(1);

    /// <summary>For how long what one address fails at is one record more.</summary>
    private static readonly TimeSpan FailureWindow = TimeSpan.FromSeconds(10);

    private const int IPv6NetworkBytes = 8;

    private readonly AuditTally _denials = new(WholeDenials, DenialWindow, clock);

    /// <summary>Of whom nobody is asked who he is, by the address.</summary>
    private readonly AuditTally _nameless = new(WholeDenials, DenialWindow, clock);
    private readonly AuditTally _failures = new(1, FailureWindow, clock);

    public AuditLog Log => log;

    public TimeProvider Clock => clock;

    /// <summary>What is counted becomes records.</summary>
    /// <param name="atOnce">Also where its time is not over.</param>
    public void Tell(bool atOnce)
    {
        foreach (var (principal, count) in _denials.Take(atOnce))
        {
            log.Add(Denied(count) with { Principal = principal });
        }
        foreach (var (address, count) in _nameless.Take(atOnce))
        {
            log.Add(Denied(count) with { Remote = address });
        }
        foreach (var (address, count) in _failures.Take(atOnce))
        {
            log.Add(Failed(address, count));
        }
    }

    /// <summary>Null: the request leaves no record, unless it is refused.</summary>
    public AuditedRequest? Begin(Endpoint endpoint, ApiCall call)
    {
        if (endpoint.Audited is not { } kind)
        {
            return null;
        }
        var level = levels.Of(kind.Space);
        var isRecorded = kind.Level <= level;
        var mayForce = kind.MayForce && level >= AuditLevel.Admin && (endpoint.Method != "DELETE" || call.Query.Has(QueryName.Force));
        return isRecorded || mayForce
            ? new AuditedRequest(this, Asked(kind, call), isRecorded, (isRecorded && isRequired) || kind.Level == AuditLevel.Admin)
            : null;
    }

    /// <summary>A request is over.</summary>
    public void Ended(HttpContext http, in AskedRequest asked, int status)
    {
        if (status == StatusCodes.Status401Unauthorized)
        {
            TurnedAway(http.Connection.RemoteIpAddress);
        }
        else if (status == StatusCodes.Status403Forbidden)
        {
            Refused(http, asked);
        }
        else if (asked.Call?.Audit is { IsRecorded: true } audited)
        {
            log.Add(WithEnd(audited.Asked, http, status) with
            {
                Decision = AuditRecord.Allowed,
                DurationMicros = audited.DurationMicros,
            });
        }
    }

    /// <summary>Somebody showed no credential that is valid, in a request or in a handshake.</summary>
    public void TurnedAway(IPAddress? address)
    {
        var network = NetworkOf(address);
        if (_failures.IsWhole(network))
        {
            log.Add(Failed(network, 1));
        }
    }

    /// <summary>Other certificates are used.</summary>
    public void Reloaded(TlsGeneration generation) => log.Add(new AuditRecord(AuditEvent.TlsReload, clock.GetUtcNow())
    {
        Detail = string.Create(
            CultureInfo.InvariantCulture, $"generation {generation.Number}, until {generation.Own.NotAfter.UtcDateTime:yyyy-MM-dd}"),
    });

    private void Refused(HttpContext http, in AskedRequest asked)
    {
        var isWhole = asked.Actor.Name is { Length: > 0 } name
            ? _denials.IsWhole(name)
            : _nameless.IsWhole(NetworkOf(http.Connection.RemoteIpAddress));
        if (!isWhole)
        {
            return;
        }
        var audited = asked.Call?.Audit;
        var record = audited?.Asked ?? (asked.Call is { } call
            ? Asked(ApiEndpointKind(asked), call)
            : new AuditRecord(AuditEvent.Denied, clock.GetUtcNow())
            {
                Principal = asked.Actor.Name,
                Credential = asked.Actor.Credential,
                Remote = RemoteOf(http),
                Method = MethodOf(http),
                Route = ApiRouter.Template(asked.Route),
            });
        record = WithEnd(record, http, StatusCodes.Status403Forbidden) with
        {
            Event = AuditEvent.Denied,
            Decision = AuditRecord.Denied,
            DurationMicros = audited?.DurationMicros,
        };
        if (http.Features.Get<Forbidden>() is { } forbidden)
        {
            record = record with { Detail = WordOf(forbidden.Reason) };
            if (forbidden.Missing is { Space: not Spaces.None } missing)
            {
                record = record with
                {
                    Space = AuditLevels.WordOf(missing.Space),
                    Verb = AuditLevels.WordOf(missing.Verb),
                    Name = AuditText.Bounded(missing.Name.Bytes),
                    IsPrefix = missing.IsPrefix,
                };
            }
        }
        log.Add(record);
    }

    private static AuditedKind ApiEndpointKind(in AskedRequest asked) =>
        asked.Endpoint?.Audited ?? new AuditedKind(AuditEvent.Request, AuditLevel.All, AuditSpace.Cluster);

    private AuditRecord Asked(AuditedKind kind, ApiCall call)
    {
        var (name, isPrefix) = NameOf(call);
        var headers = call.Http.Request.Headers[ApiHeaders.IdempotencyKey];
        var policy = node.Policy;
        return new AuditRecord(kind.Event, clock.GetUtcNow())
        {
            Principal = call.Actor.Name,
            Credential = call.Actor.Credential,
            Remote = RemoteOf(call.Http),
            Method = MethodOf(call.Http),
            Route = ApiRouter.Template(call.Route),
            Space = AuditLevels.WordOf(kind.Space),
            Verb = kind.Verb,
            Name = name,
            IsPrefix = isPrefix,
            Rule = policy.IsEnabled ? policy.BindingOf(call.Actor.Name)?.Name ?? "" : "",
            Key = headers is [{ Length: > 0 } key] ? AuditText.KeyHash(key) : "",
        };
    }

    private AuditRecord WithEnd(AuditRecord record, HttpContext http, int status) => record with
    {
        Time = clock.GetUtcNow(),
        Status = status,
        Revision = long.TryParse(
            http.Response.Headers[ApiHeaders.Revision].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var revision)
            ? revision
            : null,
        Index = node.Status.AppliedIndex.Value,
    };

    private AuditRecord Denied(long count) => new(AuditEvent.Denied, clock.GetUtcNow())
    {
        Decision = AuditRecord.Denied,
        Count = count,
    };

    private AuditRecord Failed(string network, long count) => new(AuditEvent.AuthenticatedFailed, clock.GetUtcNow())
    {
        Remote = network,
        Decision = AuditRecord.Denied,
        Count = count,
    };

    /// <summary>What the target names, whether it may or not.</summary>
    private static (string Name, bool IsPrefix) NameOf(ApiCall call)
    {
        if (call.Route == ApiRoute.AuthToken && !PolicyNames.IsTokenId(call.Name.ToString()))
        {
            // It may be the whole token, by mistake.
            return ("", false);
        }
        if (!call.Name.IsEmpty)
        {
            return (AuditText.Bounded(call.Name.Bytes), false);
        }
        if (call.Query.Bytes(QueryName.Key) is { } key)
        {
            return (AuditText.Bounded(key), false);
        }
        if (call.Query.Bytes(QueryName.KeyBase64) is { } base64)
        {
            return (QueryParameters.TryDecodeBase64(base64, out var bytes) ? AuditText.Bounded(bytes) : "", false);
        }
        return call.Query.Bytes(QueryName.Prefix) is { } prefix ? (AuditText.Bounded(prefix), true) : ("", false);
    }

    private static string RemoteOf(HttpContext http) => Plain(http.Connection.RemoteIpAddress) is { } address
        ? new IPEndPoint(address, http.Connection.RemotePort).ToString()
        : "";

    /// <summary>As <c>AddressTurns</c> has it: whoever has one address of IPv6 has a network of 64 bits.</summary>
    private static string NetworkOf(IPAddress? address)
    {
        if (Plain(address) is not { } plain)
        {
            return "";
        }
        if (plain.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return plain.ToString();
        }
        var bytes = plain.GetAddressBytes();
        bytes.AsSpan(IPv6NetworkBytes).Clear();
        return $"{new IPAddress(bytes)}/64";
    }

    private static IPAddress? Plain(IPAddress? address) => address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address;

    /// <summary>A request may have any word for it.</summary>
    private static string MethodOf(HttpContext http) => http.Request.Method is { Length: <= 7 } method ? method : "other";

    private static string WordOf(DenialReason reason) => reason switch
    {
        DenialReason.NotAllowed => "not-allowed",
        DenialReason.NotOwner => "not-owner",
        DenialReason.Disabled => "disabled",
        DenialReason.Revoked => "revoked",
        _ => AuditLevels.WordOf(reason),
    };
}
