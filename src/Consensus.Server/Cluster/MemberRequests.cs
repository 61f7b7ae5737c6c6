using Consensus.Primitives;
using Consensus.Server.Json;

namespace Consensus.Server.Cluster;

/// <summary>What a member counts for, as requests name it.</summary>
internal enum WantedRole
{
    Learner,
    Voter,
}

/// <param name="Replaces">A voter, by name or id, that leaves in the same step.</param>
internal readonly record struct MemberUpdate(WantedRole Role, string? Replaces);

/// <summary>Reads the bodies of membership changes. Each returns null with a sentence when the body is refused.</summary>
internal static class MemberRequests
{
    public static (string Name, WantedRole Role)? ReadAdd(ReadOnlyMemory<byte> body, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        string? name = null;
        string? role = null;
        while (json.NextField())
        {
            if (json.Is("name"u8, 0))
            {
                name = json.Text();
            }
            else if (json.Is("role"u8, 1))
            {
                role = json.Text();
            }
            else
            {
                json.Unknown();
            }
        }
        var wanted = WantedRole.Learner;
        refusal = json.Refusal
            ?? RefuseName(name)
            ?? (role is null ? null : RefuseRole(role, out wanted));
        return refusal is null ? (name!, wanted) : null;
    }

    public static MemberUpdate? ReadUpdate(ReadOnlyMemory<byte> body, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        string? role = null;
        string? replaces = null;
        while (json.NextField())
        {
            if (json.Is("role"u8, 0))
            {
                role = json.Text();
            }
            else if (json.Is("replaces"u8, 1))
            {
                replaces = json.Text();
            }
            else
            {
                json.Unknown();
            }
        }
        var wanted = WantedRole.Learner;
        refusal = json.Refusal
            ?? (role is null ? "the field \"role\" is missing" : RefuseRole(role, out wanted))
            ?? (replaces is "" ? "the field \"replaces\" is empty" : null)
            ?? (replaces is not null && wanted != WantedRole.Voter ? "the field \"replaces\" goes with the role \"voter\" only" : null);
        return refusal is null ? new MemberUpdate(wanted, replaces) : null;
    }

    private static string? RefuseName(string? name)
    {
        if (string.IsNullOrEmpty(name))
        {
            return "the field \"name\" is missing: the name of a process that was started with --join";
        }
        return MemberName.IsValid(name) ? null : $"the field \"name\" is no name of a member: {MemberName.Form}";
    }

    private static string? RefuseRole(string role, out WantedRole wanted)
    {
        wanted = role == "voter" ? WantedRole.Voter : WantedRole.Learner;
        return role is "voter" or "learner" ? null : "the field \"role\" is neither \"learner\" nor \"voter\"";
    }
}
