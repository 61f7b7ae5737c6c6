using System.Collections.Immutable;
using Consensus.Server.Json;
using Consensus.StateMachine;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Auth;

/// <summary>Reads the bodies of requests about who may do what. Each returns null with a sentence when the body is refused.</summary>
internal static class AccessRequests
{
    /// <summary><c>{"rules":[{"verbs":["read"],"spaces":["keys"],"prefix":"config/"}]}</c></summary>
    public static ImmutableArray<AccessRule>? ReadRole(ReadOnlyMemory<byte> body, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        List<AccessRule>? rules = null;
        while (json.NextField())
        {
            if (json.Is("rules"u8, 0))
            {
                rules = ReadRules(ref json);
            }
            else
            {
                json.Unknown();
            }
        }
        refusal = json.Refusal ?? (rules is null ? "the field \"rules\" is missing: an array, which may be empty" : null);
        return refusal is null ? [.. rules!] : null;
    }

    /// <summary><c>{"roles":["billing"],"disabled":false,"limits":{"leases":100}}</c></summary>
    public static (ImmutableArray<string> Roles, bool IsDisabled, PrincipalLimits Limits)? ReadPrincipal(
        ReadOnlyMemory<byte> body, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        List<string>? roles = null;
        bool? isDisabled = null;
        var limits = PrincipalLimits.Default;
        while (json.NextField())
        {
            if (json.Is("roles"u8, 0))
            {
                roles = ReadTexts(ref json, "an array of names of roles");
            }
            else if (json.Is("disabled"u8, 1))
            {
                isDisabled = json.Flag();
            }
            else if (json.Is("limits"u8, 2))
            {
                limits = ReadLimits(ref json);
            }
            else
            {
                json.Unknown();
            }
        }
        refusal = json.Refusal ?? (roles is null ? "the field \"roles\" is missing: an array, which may be empty" : null);
        return refusal is null ? ([.. roles!], isDisabled ?? false, limits) : null;
    }

    private static PrincipalLimits ReadLimits(ref StrictObjectReader json)
    {
        var limits = PrincipalLimits.Default;
        var path = json.Path();
        if (!json.EnterObject())
        {
            json.Refuse($"the field \"{path}\" is no object of bounds");
            return limits;
        }
        while (json.NextField())
        {
            if (json.Is("leases"u8, 0))
            {
                limits = limits with { Leases = json.Number(1, PrincipalLimits.Most) ?? 0 };
            }
            else if (json.Is("holds"u8, 1))
            {
                limits = limits with { Holds = json.Number(1, PrincipalLimits.Most) ?? 0 };
            }
            else if (json.Is("idempotencyBytes"u8, 2))
            {
                limits = limits with { IdempotencyBytes = json.Number(1, PrincipalLimits.Most) ?? 0 };
            }
            else
            {
                json.Unknown();
            }
        }
        return limits;
    }

    /// <summary>Nothing, or <c>{"note":"…"}</c>.</summary>
    /// <param name="name">Of the one field that there may be.</param>
    public static string? ReadOneText(ReadOnlyMemory<byte> body, ReadOnlySpan<byte> name, out string? refusal)
    {
        refusal = null;
        if (body.IsEmpty)
        {
            return null;
        }
        var json = new StrictObjectReader(body);
        string? text = null;
        while (json.NextField())
        {
            if (json.Is(name, 0))
            {
                text = json.Text();
            }
            else
            {
                json.Unknown();
            }
        }
        refusal = json.Refusal;
        return text;
    }

    /// <summary><c>{"principal":"svc","verb":"hold","space":"locks","name":"billing/x"}</c></summary>
    public static (string Principal, Access Access)? ReadCheck(ReadOnlyMemory<byte> body, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        string? principal = null, verb = null, space = null;
        var name = default(NameFields);
        while (json.NextField())
        {
            if (json.Is("principal"u8, NameFields.Next))
            {
                principal = json.Text();
            }
            else if (json.Is("verb"u8, NameFields.Next + 1))
            {
                verb = json.Text();
            }
            else if (json.Is("space"u8, NameFields.Next + 2))
            {
                space = json.Text();
            }
            else if (!name.TryRead(ref json))
            {
                json.Unknown();
            }
        }
        var (verbs, spaces) = (AccessShapes.VerbOf(verb ?? ""), AccessShapes.SpaceOf(space ?? ""));
        refusal = json.Refusal
            ?? (principal is null ? "the field \"principal\" is missing; empty: whoever shows no credential" : null)
            ?? (verbs == Verbs.None ? $"the field \"verb\" is none of {AccessShapes.VerbList}" : null)
            ?? (spaces == Spaces.None ? $"the field \"space\" is none of {AccessShapes.SpaceList}" : null)
            ?? name.Refuse("the request");
        return refusal is not null ? null
            : (principal!, name.IsPrefix ? Access.ToPrefix(spaces, verbs, name.Key) : Access.To(spaces, verbs, name.Key));
    }

    private static List<AccessRule>? ReadRules(ref StrictObjectReader json)
    {
        if (!json.EnterArray("an array of rules"))
        {
            return null;
        }
        var rules = new List<AccessRule>();
        while (json.NextItem())
        {
            if (ReadRule(ref json) is { } rule)
            {
                rules.Add(rule);
            }
        }
        return rules;
    }

    private static AccessRule? ReadRule(ref StrictObjectReader json)
    {
        var path = json.Path();
        if (!json.EnterObject())
        {
            json.Refuse($"the field \"{path}\" is not a rule");
            return null;
        }
        var (verbs, spaces) = (Verbs.None, Spaces.None);
        var name = default(NameFields);
        while (json.NextField())
        {
            if (json.Is("verbs"u8, NameFields.Next))
            {
                foreach (var word in ReadTexts(ref json, "an array of verbs") ?? [])
                {
                    var verb = AccessShapes.VerbOf(word);
                    if (verb == Verbs.None)
                    {
                        json.Refuse($"the field \"{path}.verbs\" has \"{Excerpt.Of(word)}\", which is none of {AccessShapes.VerbList}");
                    }
                    verbs |= verb;
                }
            }
            else if (json.Is("spaces"u8, NameFields.Next + 1))
            {
                foreach (var word in ReadTexts(ref json, "an array of spaces") ?? [])
                {
                    var space = AccessShapes.SpaceOf(word);
                    if (space == Spaces.None)
                    {
                        json.Refuse($"the field \"{path}.spaces\" has \"{Excerpt.Of(word)}\", which is none of {AccessShapes.SpaceList}");
                    }
                    spaces |= space;
                }
            }
            else if (!name.TryRead(ref json))
            {
                json.Unknown();
            }
        }
        var wrong = verbs == Verbs.None ? $"the field \"{path}.verbs\" names no verb: {AccessShapes.VerbList}"
            : spaces == Spaces.None ? $"the field \"{path}.spaces\" names no space: {AccessShapes.SpaceList}"
            : name.Refuse($"the rule \"{path}\"");
        if (wrong is not null)
        {
            json.Refuse(wrong);
        }
        return new AccessRule(verbs, spaces, name.Key, name.IsPrefix);
    }

    private static List<string>? ReadTexts(ref StrictObjectReader json, string expected)
    {
        if (!json.EnterArray(expected))
        {
            return null;
        }
        var texts = new List<string>();
        while (json.NextItem())
        {
            if (json.Text() is { } text)
            {
                texts.Add(text);
            }
            else
            {
                json.Wrong("a string");
            }
        }
        return texts;
    }

    /// <summary>One of <c>name</c>, <c>nameBase64</c>, <c>prefix</c> and <c>prefixBase64</c>.</summary>
    private struct NameFields
    {
        /// <summary>The first number for <see cref="StrictObjectReader.Is"/> that is free for other fields.</summary>
        public const int Next = 4;

        private const string OneOfFour =
            "give \"name\" or \"prefix\" (\"nameBase64\", \"prefixBase64\"), and one of them; an empty prefix covers everything";

        private byte[]? _name;
        private byte[]? _prefix;
        private int _given;

        public readonly bool IsPrefix => _prefix is not null;

        public readonly Key Key => Key.Own(_prefix ?? _name ?? []);

        public bool TryRead(ref StrictObjectReader json)
        {
            if (json.IsBytes("name"u8, "nameBase64"u8, 0, out var name))
            {
                (_name, _given) = (name ?? _name, _given + (name is null ? 0 : 1));
                return true;
            }
            if (json.IsBytes("prefix"u8, "prefixBase64"u8, 2, out var prefix))
            {
                (_prefix, _given) = (prefix ?? _prefix, _given + (prefix is null ? 0 : 1));
                return true;
            }
            return false;
        }

        /// <param name="what">That it is a part of, for the sentence.</param>
        public readonly string? Refuse(string what) =>
            _given != 1 ? $"{what} does not name one thing: {OneOfFour}"
            : _name is { Length: 0 } ? $"{what} has an empty name; an empty prefix covers everything"
            : Key.Length > StateMachine.Key.MaxLength
                ? $"{what} has a name of {Key.Length} bytes; at most {StateMachine.Key.MaxLength} are taken"
            : null;
    }
}
