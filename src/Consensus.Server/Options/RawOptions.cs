using System.Text.Json;

namespace Consensus.Server.Options;

/// <summary>An option's text with where it came from, for messages.</summary>
internal readonly record struct RawOption(string Text, string Source);

/// <summary>Collects the options' texts: flags win over the environment, which wins over the file.</summary>
internal static class RawOptions
{
    public static Dictionary<string, RawOption> Collect(IReadOnlyList<string> arguments, Func<string, string?> environment)
    {
        var flags = ReadFlags(arguments);
        var fromEnvironment = ReadEnvironment(environment);
        var options = new Dictionary<string, RawOption>();
        if (flags.TryGetValue(OptionTable.Config, out var file) || fromEnvironment.TryGetValue(OptionTable.Config, out file))
        {
            Overlay(options, ReadFile(file.Text));
        }
        Overlay(options, fromEnvironment);
        Overlay(options, flags);
        return options;
    }

    private static void Overlay(Dictionary<string, RawOption> options, Dictionary<string, RawOption> winning)
    {
        foreach (var (flag, option) in winning)
        {
            options[flag] = option;
        }
    }

    private static Dictionary<string, RawOption> ReadFlags(IReadOnlyList<string> arguments)
    {
        var flags = new Dictionary<string, RawOption>();
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            if (!argument.StartsWith("--", StringComparison.Ordinal))
            {
                throw new OptionsException($"\"{argument}\" is not an option; options begin with two dashes (see --help)");
            }
            var equals = argument.IndexOf('=', StringComparison.Ordinal);
            var flag = equals < 0 ? argument[2..] : argument[2..equals];
            var option = OptionTable.FindFlag(flag) ?? throw UnknownFlag(flag);
            var text = equals >= 0 ? argument[(equals + 1)..]
                : option.IsSwitch ? "true"
                : i + 1 < arguments.Count ? arguments[++i]
                : throw new OptionsException($"--{flag} needs a value: --{flag} {option.Value}");
            if (!flags.TryAdd(flag, new RawOption(text, "--" + flag)))
            {
                throw new OptionsException($"--{flag} is given twice");
            }
        }
        return flags;
    }

    private static OptionsException UnknownFlag(string flag)
    {
        var closest = ClosestName.Of(flag, OptionTable.All.Select(option => option.Flag).Concat(["help", "version"]));
        return new OptionsException(closest is null
            ? $"--{flag} is not an option (see --help)"
            : $"--{flag} is not an option; did you mean --{closest}?");
    }

    /// <summary>Variables of other programs begin with CONSENSUS_ too, so only the known ones are looked at.</summary>
    private static Dictionary<string, RawOption> ReadEnvironment(Func<string, string?> environment)
    {
        var found = new Dictionary<string, RawOption>();
        foreach (var option in OptionTable.All)
        {
            if (environment(option.EnvironmentName) is { Length: > 0 } text)
            {
                found[option.Flag] = new RawOption(text, option.EnvironmentName);
            }
        }
        return found;
    }

    private static Dictionary<string, RawOption> ReadFile(string path)
    {
        var found = new Dictionary<string, RawOption>();
        try
        {
            using var document = JsonDocument.Parse(
                File.ReadAllBytes(path), new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new OptionsException($"the configuration file {path} is not a JSON object");
            }
            foreach (var property in document.RootElement.EnumerateObject())
            {
                AddFromFile(found, property, path);
            }
        }
        catch (JsonException e)
        {
            throw new OptionsException($"the configuration file {path} is malformed JSON at line {e.LineNumber + 1}");
        }
        catch (InvalidOperationException)
        {
            // Well-formed JSON (RFC 8259 §8.2), but no string.
            throw new OptionsException($"the configuration file {path} has a text with half a surrogate pair");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new OptionsException($"the configuration file {path} cannot be read: {e.Message.TrimEnd('.')}");
        }
        return found;
    }

    private static void AddFromFile(Dictionary<string, RawOption> found, JsonProperty property, string path)
    {
        var known = OptionTable.All.Where(option => option.Flag != OptionTable.Config).ToList();
        var option = known.Find(option => option.FileName == property.Name);
        if (option is null)
        {
            var closest = ClosestName.Of(property.Name, known.Select(o => o.FileName));
            throw new OptionsException($"the configuration file {path} has an unknown option \"{property.Name}\""
                + (closest is null ? "" : $"; did you mean \"{closest}\"?"));
        }
        var text = property.Value.ValueKind switch
        {
            JsonValueKind.String => property.Value.GetString()!,
            JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => property.Value.GetRawText(),
            JsonValueKind.Array when property.Value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String) =>
                string.Join(',', property.Value.EnumerateArray().Select(item => item.GetString())),
            _ => throw new OptionsException($"\"{property.Name}\" in the configuration file {path} is neither text, number, true, false nor a list of texts"),
        };
        if (!found.TryAdd(option.Flag, new RawOption(text, $"\"{property.Name}\" in {path}")))
        {
            throw new OptionsException($"the configuration file {path} gives \"{property.Name}\" twice");
        }
    }
}
