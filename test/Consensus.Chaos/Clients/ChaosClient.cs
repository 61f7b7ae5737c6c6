using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Chaos.Clients;

/// <summary>One client: one operation at a time over plain HTTP, tried again through any member under the same identity.</summary>
internal sealed class ChaosClient(Record record, Func<IReadOnlyList<string>> members, int number, int round, ulong seed) : IDisposable
{
    private const int MaxAttempts = 8;
    private const int Keys = 5;
    private const int Locks = 3;

    private readonly DeterministicRandom _random = new(seed);
    private readonly List<Held> _held = [];
    private readonly Dictionary<string, long> _seen = [];
    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(1), UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan };
    private int _favourite = (int)(seed % 1000);

    /// <summary>Operations answered so far; read by others.</summary>
    public long Answered { get; private set; }

    public void Dispose() => _http.Dispose();

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await DoAsync(record.Invoke(Choose));
            await Task.Delay((int)_random.Next(30), CancellationToken.None);
        }
    }

    /// <summary>The last word on a key or lock.</summary>
    public Task ReadAsync(string name, bool isLock) =>
        DoAsync(record.Invoke(n => new Operation { Number = n, Client = number, Kind = isLock ? OperationKind.ReadLock : OperationKind.Read, Object = name }));

    private async Task DoAsync(Operation operation)
    {
        while (true)
        {
            operation.Attempts++;
            if (operation.Attempts > 1 || _random.Chance(1, 20))
            {
                _favourite = (int)_random.Next(1000);
            }
            var result = await TryAsync(operation);
            if (result.Status == OperationStatus.Done)
            {
                record.Return(operation, OperationStatus.Done, result.Outcome, result.Seen);
                Answered++;
                Learn(operation);
                return;
            }
            operation.HadUnknownAttempt |= result.Status == OperationStatus.Unknown && !operation.IsRead;
            var mayRetry = operation.HasIdentity || operation.IsRead || !operation.HadUnknownAttempt;
            if (!mayRetry || operation.Attempts >= MaxAttempts)
            {
                record.Return(operation, operation.HadUnknownAttempt ? OperationStatus.Unknown : OperationStatus.NotDone, null, null);
                return;
            }
            await Task.Delay((int)_random.Next(20, 500));
        }
    }

    private async Task<AttemptResult> TryAsync(Operation operation)
    {
        using var request = RequestOf(operation);
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(_random.Next(300, 7_000) + (operation.WaitMicros / 1000)));
        try
        {
            using var response = await _http.SendAsync(request, patience.Token);
            var bytes = await response.Content.ReadAsByteArrayAsync(patience.Token);
            using var json = bytes.Length > 0 ? JsonDocument.Parse(bytes) : null;
            var revision = response.Headers.TryGetValues("Consensus-Revision", out var values) ? values.First() : null;
            return AnswerReader.Read(operation, response.StatusCode, revision, json?.RootElement ?? default);
        }
        catch (HttpRequestException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused })
        {
            return AttemptResult.NotDone;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            return AttemptResult.Unknown;
        }
    }

    private HttpRequestMessage RequestOf(Operation o)
    {
        var path = o.IsOfLock ? $"/v1/locks/{o.Object}" : $"/v1/kv/{o.Object}";
        var request = o.Kind switch
        {
            OperationKind.Put => With(HttpMethod.Put, path, o.Value),
            OperationKind.Delete => With(HttpMethod.Delete, path),
            OperationKind.Read or OperationKind.ReadLock => With(HttpMethod.Get, path),
            OperationKind.StaleRead => With(HttpMethod.Get, path + "?consistency=stale"),
            OperationKind.Acquire => With(HttpMethod.Post, path, string.Create(
                CultureInfo.InvariantCulture, $"{{\"owner\":\"{o.Owner}\",\"ttl\":\"{o.TtlMicros / 1000}ms\",\"wait\":\"{o.WaitMicros / 1000}ms\"}}")),
            OperationKind.Renew => With(HttpMethod.Put, path, string.Create(CultureInfo.InvariantCulture, $"{{\"fencingToken\":{o.Token}}}")),
            _ => With(HttpMethod.Delete, string.Create(CultureInfo.InvariantCulture, $"{path}?fencingToken={o.Token}")),
        };
        switch (o.Condition.Kind)
        {
            case KeyConditionKind.Absent:
                request.Headers.TryAddWithoutValidation("If-None-Match", "*");
                break;
            case KeyConditionKind.Exists:
                request.Headers.TryAddWithoutValidation("If-Match", "*");
                break;
            case KeyConditionKind.ModRevisionIs:
                request.Headers.TryAddWithoutValidation("If-Match", $"\"{o.Condition.ModRevision.Value}\"");
                break;
            default:
                break;
        }
        if (o.HasIdentity && !o.IsRead)
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", $"r{round}-{o.Owner}");
        }
        return request;
    }

    /// <summary>
    /// Every write has a body, be it empty: without one the handler sends a request a second time by itself when the server closes the connection, and a
    /// "connection refused" of the second sending would say nothing about the first.
    /// </summary>
    private HttpRequestMessage With(HttpMethod method, string path, string body = "")
    {
        var present = members();
        return new HttpRequestMessage(method, present[_favourite % present.Count] + path) { Content = method == HttpMethod.Get ? null : new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
    }

    private Operation Choose(long n)
    {
        if (_random.Chance(1, 4))
        {
            // A holder stops at its deadline sooner or later; until then it asks on, to hear that it is too late.
            _held.RemoveAll(h => h.Deadline <= record.Now);
        }
        if (_held.Count > 0 && _random.Chance(1, 2))
        {
            return ForHeld(n, _held[(int)_random.Next(_held.Count)]);
        }
        var key = string.Create(CultureInfo.InvariantCulture, $"r{round}k{_random.Next(Keys)}");
        var name = string.Create(CultureInfo.InvariantCulture, $"r{round}l{_random.Next(Locks)}");
        return _random.Next(10) switch
        {
            0 or 1 => Write(n, OperationKind.Put, key, KeyCondition.None),
            2 => Write(n, OperationKind.Put, key, new KeyCondition(KeyConditionKind.ModRevisionIs, new Revision(_seen.GetValueOrDefault(key, 1)))),
            3 => Write(n, OperationKind.Put, key, new KeyCondition(_random.Chance(1, 2) ? KeyConditionKind.Absent : KeyConditionKind.Exists)),
            4 => Write(n, OperationKind.Delete, key, KeyCondition.None),
            5 => new Operation { Number = n, Client = number, Kind = OperationKind.Read, Object = key },
            6 => new Operation { Number = n, Client = number, Kind = _random.Chance(1, 2) ? OperationKind.StaleRead : OperationKind.Read, Object = key },
            7 => new Operation { Number = n, Client = number, Kind = OperationKind.ReadLock, Object = name },
            _ => new Operation
            {
                Number = n,
                Client = number,
                Kind = OperationKind.Acquire,
                Object = name,
                TtlMicros = _random.Next(200, 4_000) * 1000,
                WaitMicros = _random.Chance(1, 2) ? _random.Next(100, 2_500) * 1000 : 0,
                HasIdentity = _random.Chance(3, 4),
            },
        };
    }

    private Operation ForHeld(long n, Held held)
    {
        var isRelease = _random.Chance(1, 3);
        if (isRelease)
        {
            _held.Remove(held);
        }
        return new Operation
        {
            Number = n,
            Client = number,
            Kind = isRelease ? OperationKind.Release : OperationKind.Renew,
            Object = held.Name,
            Token = held.Token,
            TtlMicros = held.TtlMicros,
            HasIdentity = _random.Chance(3, 4),
        };
    }

    private Operation Write(long n, OperationKind kind, string key, KeyCondition condition) => new()
    {
        Number = n,
        Client = number,
        Kind = kind,
        Object = key,
        Value = kind == OperationKind.Put ? string.Create(CultureInfo.InvariantCulture, $"v{n}") : "",
        Condition = condition,
        HasIdentity = _random.Chance(3, 4),
    };

    private void Learn(Operation operation)
    {
        if (operation is { IsOfLock: false, Seen.ModRevision: > 0 })
        {
            _seen[operation.Object] = operation.Seen.ModRevision;
        }
        switch (operation.Outcome)
        {
            case PutDone put:
                _seen[operation.Object] = put.ModRevision.Value;
                break;
            case LockGranted granted:
                _held.Add(new Held(operation.Object, granted.Hold.Token.Value, operation.TtlMicros, operation.InvokedAt + ((operation.TtlMicros + granted.WaitedMicros) / 100 * 99)));
                break;
            case NotHolder:
                _held.RemoveAll(h => h.Token == operation.Token);
                break;
            default:
                break;
        }
    }

    private readonly record struct Held(string Name, long Token, long TtlMicros, long Deadline);
}
