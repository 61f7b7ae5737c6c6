using Consensus.Security.Generations;

namespace Consensus.Server.Tls;

/// <summary>
/// Who is at the other end of a connection, as one generation of certificates has it. Never changed, judged anew when another generation is
/// there or its time is over.
/// </summary>
/// <param name="Generation">That it was judged by.</param>
/// <param name="IsBelieved">
/// False: a certificate was presented that no anchor vouches for, or not any more. Then the handshake fails.
/// </param>
/// <param name="Principal">Null: nobody.</param>
/// <param name="Refusal">Why it is nobody, as a sentence without a full stop; empty where it is somebody.</param>
/// <param name="Until">From when on it does not hold any more.</param>
internal sealed record CallerVerdict(TlsGeneration Generation, bool IsBelieved, string? Principal, string Refusal, DateTimeOffset Until);
