using Consensus.Security.Generations;
using Consensus.StateMachine.Policies;

namespace Consensus.Server.Tls;

/// <summary>
/// Who is at the other end of a connection, as one generation of certificates has it. Never changed, judged anew when another generation is
/// there or its time is over.
/// </summary>
/// <param name="Generation">That it was judged by.</param>
/// <param name="IsBelieved">
/// False: a certificate was presented that no anchor vouches for, or not any more. Then the handshake fails.
/// </param>
/// <param name="Actor">Its principal, and the certificate by which it is known. Null: nobody.</param>
/// <param name="Refusal">Why it is nobody, as a sentence without a full stop; empty where it is somebody.</param>
/// <param name="Until">From when on it does not hold any more.</param>
internal sealed record CallerVerdict(TlsGeneration Generation, bool IsBelieved, Actor? Actor, string Refusal, DateTimeOffset Until);
