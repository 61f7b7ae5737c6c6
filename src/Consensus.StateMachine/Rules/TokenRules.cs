using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>
/// Tokens: that there are, of whom, and that there are no more. Until when each is good, members judge by their own clocks; here it is a
/// number. A token that is taken away takes effect as any other change of the policy: with its entry.
/// </summary>
internal sealed class TokenRules(StateTables state, Applying entry, PolicyRules policy)
{
    /// <summary>That the entry was asked for with; null: with none.</summary>
    private TokenInfo? Shown => entry.Actor.TokenId is { } id ? state.Policies.FindToken(id) : null;

    public Outcome Do(TokenCommand command) => command switch
    {
        PutTokenCommand c => Put(new TokenInfo(c.Id, c.Secret, c.Principal, c.Id, c.NotAfter, c.TtlSeconds)),
        RotateTokenCommand c => Rotate(c),
        RevokeTokenCommand c => Revoke(c),
        EndOwnTokenCommand c => Shown is { } own ? End([own], c.NotAfter) : policy.Refuse(PolicyRefusal.NoTokenShown, ""),
        _ => Invariant.Unreachable<Outcome>(command),
    };

    /// <summary>
    /// What ended long ago is gone, a step's worth. Nobody could ask with it by then, but who waits still may have: that is judged once
    /// more.
    /// </summary>
    public Noted Forget(ForgetTokensCommand command)
    {
        entry.Output.Light += state.Policies.TokenCount;
        var ended = state.Policies.TokensEndedBefore(
            command.Now - state.Limits.EndedTokenKeepSeconds, state.Limits.MaxObjectsPerStep);
        if (ended.Count > 0)
        {
            Remove(ended);
            policy.Changed();
        }
        return new Noted(state.Revision);
    }

    private Outcome Put(TokenInfo token)
    {
        if (!PolicyNames.IsTokenId(token.Id) || token.Secret.Length != PolicyNames.SecretBytes
            || !PolicyNames.IsTokenHolder(token.Principal, state.Limits) || token.TtlSeconds <= 0 || token.NotAfter <= 0)
        {
            return policy.Refuse(PolicyRefusal.Malformed, "");
        }
        if (token.TtlSeconds > state.Limits.MaxTokenTtlSeconds)
        {
            return policy.Refuse(PolicyRefusal.TooLong, "");
        }
        if (state.Policies.FindToken(token.Id) is { } before)
        {
            // The same asked again comes later, and would be good for longer: the first time counts.
            return before == token with { NotAfter = before.NotAfter }
                ? policy.Unchanged()
                : policy.Refuse(PolicyRefusal.OtherToken, "");
        }
        // A family is called by the id of its first, which may be gone: no other token takes its name.
        entry.Output.Light += state.Policies.TokenCount;
        if (state.Policies.TokensOf(token.Id).Count > 0)
        {
            return policy.Refuse(PolicyRefusal.OtherToken, "");
        }
        if (state.Policies.TokenCount >= state.Limits.MaxTokens)
        {
            return new BoundReached(state.Revision, BoundKind.Tokens, state.Limits.MaxTokens);
        }
        if (state.RefuseGrowth(TokenTable.SizeOf(token)) is { } full)
        {
            return full;
        }
        state.Policies.Set(token);
        return policy.Changed(takesNothing: true);
    }

    private Outcome Rotate(RotateTokenCommand c)
    {
        if (Shown is not { } own)
        {
            return policy.Refuse(PolicyRefusal.NoTokenShown, "");
        }
        if (c.TtlSeconds > own.TtlSeconds)
        {
            return policy.Refuse(PolicyRefusal.TooLong, "");
        }
        // Who holds one may make others and nothing else: he is not to take the place of everybody's.
        entry.Output.Light += state.Policies.TokenCount;
        if (state.Policies.FindToken(c.Id) is null && state.Policies.TokensOf(own.Family).Count >= state.Limits.MaxTokensOfFamily)
        {
            return new BoundReached(state.Revision, BoundKind.Tokens, state.Limits.MaxTokensOfFamily);
        }
        return Put(new TokenInfo(c.Id, c.Secret, own.Principal, own.Family, c.NotAfter, c.TtlSeconds));
    }

    private Outcome Revoke(RevokeTokenCommand c)
    {
        var named = state.Policies.FindToken(c.Id);
        if (c.Only)
        {
            return named is null ? policy.Refuse(PolicyRefusal.Missing, "") : End([named], c.NotAfter);
        }
        // The first of a family may be gone, and its others are called by it.
        entry.Output.Light += state.Policies.TokenCount;
        var all = state.Policies.TokensOf(named?.Family ?? c.Id);
        return all.Count == 0 ? policy.Refuse(PolicyRefusal.Missing, "") : End(all, c.NotAfter);
    }

    /// <summary>What is to end makes none that would go on: its ttl, which no other made with it may exceed, is the shortest there is.</summary>
    /// <param name="notAfter">0: now.</param>
    private PolicyChanged End(List<TokenInfo> tokens, long notAfter)
    {
        if (notAfter == 0)
        {
            Remove(tokens);
            return policy.Changed();
        }
        var later = tokens.Where(token => token.NotAfter > notAfter).ToList();
        foreach (var token in later)
        {
            state.Policies.Set(token with { NotAfter = notAfter, TtlSeconds = 1 });
            entry.Output.Objects++;
        }
        return later.Count == 0 ? policy.Unchanged() : policy.Changed(takesNothing: true);
    }

    private void Remove(List<TokenInfo> tokens)
    {
        foreach (var token in tokens)
        {
            state.Policies.RemoveToken(token.Id);
            entry.Output.Objects++;
        }
    }
}
