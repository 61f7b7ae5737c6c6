using System.Collections.Frozen;

namespace Consensus.Server.WebTokens;

/// <summary>Somebody who makes JSON Web Tokens that are believed, as an operator has written it down.</summary>
/// <param name="Name">
/// What stands before the colon of its principals: 1 to 32 of the characters <c>a-z 0-9 -</c>, and none of the words by which other sources
/// of principals are told apart.
/// </param>
/// <param name="Issuer">What <c>iss</c> of its tokens is, to the letter.</param>
/// <param name="Audience">What <c>aud</c> of its tokens contains.</param>
/// <param name="Algorithms">Which of <see cref="WebTokenAlgorithms"/> are taken of it; one at least.</param>
/// <param name="Keys">Its keys by their <c>kid</c>.</param>
internal sealed record WebTokenIssuer(
    string Name, string Issuer, string Audience, IReadOnlyList<string> Algorithms, FrozenDictionary<string, WebTokenKey> Keys);
