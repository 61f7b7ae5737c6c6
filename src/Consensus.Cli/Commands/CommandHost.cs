using System.CommandLine;
using Consensus.Api;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Client;
using Consensus.Security.Certificates;

namespace Consensus.Cli.Commands;

internal enum OutputFormat
{
    Table,
    Json,
    MsgPack,
}

/// <summary>What every command shares: the options that go with each of them, and how they are run.</summary>
internal sealed class CommandHost(CliEnvironment environment)
{
    private readonly Option<string?> _endpoints = new("--endpoints")
    {
        Description = "Client addresses of members, separated by commas; the first that answers serves. "
            + "Else CONSENSUS_ENDPOINTS, else 127.0.0.1:7379.",
        HelpName = "URL,URL",
        Recursive = true,
    };

    private readonly Option<string?> _tls = Names.Option(
        "--tls",
        "FILE",
        "Who this is, and whom to believe, over https: a bundle of consensusctl cert create, or a file of CA certificates. "
            + "Else CONSENSUSCTL_TLS.");

    private readonly Option<string?> _token = Names.Option(
        "--token-file",
        "FILE",
        "Who this is, by the token in the file; over https, or to this machine, alone. Else CONSENSUS_TOKEN_FILE.");

    /// <summary>How the member is called that is asked at its socket.</summary>
    private static readonly Uri SocketEndpoint = new("http://localhost");

    private readonly Option<string?> _socket = Names.Option(
        "--socket", "FILE", "Asks the member of this machine at its admin socket, DATA/admin.sock, as its administrator.");

    private readonly Option<OutputFormat> _format = new("--output", "-o")
    {
        Description = "table for people (tab-separated when piped; the default), json or msgpack as the API gives it.",
        HelpName = "table|json|msgpack",
        Recursive = true,
    };

    private readonly Option<TimeSpan?> _timeout = Durations.Option(
        "--timeout", "How long to try again while there is no leader or no answer, beyond any --wait. Default 10s.");

    public CliEnvironment Environment => environment;

    public bool IsPacked(ParseResult parsed) => parsed.GetValue(_format) == OutputFormat.MsgPack;

    public void AddGlobalOptions(RootCommand root)
    {
        _tls.Recursive = true;
        _token.Recursive = true;
        _socket.Recursive = true;
        _timeout.Recursive = true;
        _format.AcceptOnlyFromAmong("table", "json", "msgpack");
        root.Add(_endpoints);
        root.Add(_tls);
        root.Add(_token);
        root.Add(_socket);
        root.Add(_format);
        root.Add(_timeout);
    }

    /// <summary>Makes a command do its work with a client of its own.</summary>
    /// <param name="check">
    /// Says what is wrong with options that are fine one by one, or null. Not a validator of the parser: that would be asked even when
    /// some option could not be read.
    /// </param>
    /// <param name="hasOtherWork">True where something else must go on while the command waits for an answer.</param>
    /// <param name="givesAnswers">True where what is shown is an answer of the API as it is, and so can be had in each form that the API
    /// has.</param>
    /// <param name="endsWithItsReader">True where all that is done is to tell what comes: when nobody reads it any more, there is nothing left to do.</param>
    public void Bind(
        Command command,
        Func<ParseResult, CommandSession, Task<int>> work,
        Func<ParseResult, string?>? check = null,
        bool hasOtherWork = false,
        bool endsWithItsReader = false,
        bool givesAnswers = false) =>
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var format = parsed.GetValue(_format);
            if ((check?.Invoke(parsed) ?? MistakeOf(format, givesAnswers)) is { } mistake)
            {
                throw new UsageException($"{mistake} See: {CommandPath.Of(parsed)} --help");
            }
            var options = ClientOptions(parsed);
            using var client = new ConsensusApiClient(options with { SendsOnCallingThread = !hasOtherWork }) { Accept = AcceptOf(format) };
            var session = new CommandSession(environment, client, options, format, cancellationToken);
            return await (endsWithItsReader ? WhileItIsReadAsync(session, reading => work(parsed, reading)) : work(parsed, session));
        });

    /// <summary>Makes a command do its work on this machine alone: what the endpoints are does not matter.</summary>
    public void BindLocal(Command command, Func<ParseResult, OutputFormat, int> work) =>
        command.SetAction(parsed => MistakeOf(parsed.GetValue(_format), givesAnswers: false) is { } mistake
            ? throw new UsageException($"{mistake} See: {CommandPath.Of(parsed)} --help")
            : work(parsed, parsed.GetValue(_format)));

    private static string? MistakeOf(OutputFormat format, bool givesAnswers) =>
        format == OutputFormat.MsgPack && !givesAnswers ? "-o msgpack goes with what the API answers once, and not with this." : null;

    /// <summary>Who wants an answer as the API gives it asks for it in that form; of a table the form does not matter.</summary>
    private static string? AcceptOf(OutputFormat format) => format switch
    {
        OutputFormat.Json => ApiMediaTypes.Json,
        OutputFormat.MsgPack => ApiMediaTypes.MessagePack,
        _ => null,
    };

    private static async Task<int> WhileItIsReadAsync(CommandSession session, Func<CommandSession, Task<int>> work)
    {
        var gone = session.Environment.ReaderGone();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(session.Cancellation, gone);
        try
        {
            return await work(session with { Cancellation = ending.Token });
        }
        catch (OperationCanceledException) when (gone.IsCancellationRequested && !session.Cancellation.IsCancellationRequested)
        {
            throw new OutputFailedException("nobody reads standard output any more", readerIsGone: true);
        }
    }

    /// <summary>The bundle, and what a sentence calls it; null for none.</summary>
    private (ClientTls? Tls, string? Label) Tls(ParseResult parsed)
    {
        var (file, label) = FileOf(parsed, _tls, "CONSENSUSCTL_TLS");
        return (file is null ? null : Used(() => new ClientTls(file, label)), file is null ? null : label);
    }

    /// <summary>A file that an option names, or a variable, and what a sentence calls it.</summary>
    private (string? File, string Label) FileOf(ParseResult parsed, Option<string?> option, string variable)
    {
        var given = parsed.GetValue(option);
        return (given ?? VariableText.Of(variable, environment.Variable)) is { Length: > 0 } file
            ? (file, given is null ? $"{variable}={file}" : $"{option.Name} {file}")
            : (null, "");
    }

    private static T Used<T>(Func<T> file)
    {
        try
        {
            return file();
        }
        catch (ArgumentException error) when (error.InnerException is BundleException refusal)
        {
            throw new UsageException(refusal.Message + ".");
        }
    }

    private ClientToken? Token(ParseResult parsed)
    {
        var (file, label) = FileOf(parsed, _token, "CONSENSUS_TOKEN_FILE");
        return file is null ? null : Used(() => new ClientToken(file, label));
    }

    /// <summary>A token is shown to nobody in the clear, whatever else was asked for.</summary>
    /// <exception cref="UsageException">An endpoint is such.</exception>
    private static ConsensusClientOptions WithToken(ConsensusClientOptions options, ClientToken? token) =>
        token is not null && options.Endpoints.FirstOrDefault(static endpoint => !ClientToken.MayGoTo(endpoint)) is { } inTheClear
            ? throw new UsageException(
                $"'{inTheClear.OriginalString.TrimEnd('/')}' is not https, and a token goes nowhere in the clear; write https://{inTheClear.Authority}.")
            : options with { Token = token };

    private ConsensusClientOptions ClientOptions(ParseResult parsed)
    {
        var options = parsed.GetValue(_socket) is { } socket ? OptionsOf(parsed, socket) : RemoteOptions(parsed);
        if (parsed.GetValue(_timeout) is { } timeout)
        {
            options = options with
            {
                RetryFor = timeout,
                SettlesWithin = timeout > TimeSpan.Zero && timeout < options.AttemptTimeout ? timeout : null,
                RetryUnreachableFor = timeout < options.RetryUnreachableFor ? timeout : options.RetryUnreachableFor,
            };
        }
        return options;
    }

    /// <summary>What the socket is for, other options and variables are not: who asks there is known by that alone.</summary>
    /// <exception cref="UsageException">Another option says whom to ask, or who this is; or there is no such socket.</exception>
    private ConsensusClientOptions OptionsOf(ParseResult parsed, string socket)
    {
        foreach (var other in (Option<string?>[])[_endpoints, _tls, _token])
        {
            if (parsed.GetValue(other) is not null)
            {
                throw new UsageException($"--socket and {other.Name} do not go together: at the socket one member is asked, as its administrator.");
            }
        }
        return File.Exists(socket)
            ? new ConsensusClientOptions { Endpoints = [SocketEndpoint], SocketPath = socket }
            : throw new UsageException($"--socket {socket}: there is no such socket.");
    }

    private ConsensusClientOptions RemoteOptions(ParseResult parsed)
    {
        var (tls, label) = Tls(parsed);
        var list = new EndpointList(label);
        var endpoints = parsed.GetValue(_endpoints) is { } given ? list.ParseOption(given)
            : list.ParseVariable("CONSENSUS_ENDPOINTS", environment.Variable);
        var options = new ConsensusClientOptions { Tls = tls };
        return WithToken(endpoints is null ? options : options with { Endpoints = endpoints }, Token(parsed));
    }
}

/// <summary>One run of one command.</summary>
internal sealed record CommandSession(
    CliEnvironment Environment, ConsensusApiClient Client, ConsensusClientOptions Options, OutputFormat Format, CancellationToken Cancellation)
{
    /// <summary>In MessagePack too, an answer without a body is an object without members.</summary>
    private static readonly ReadOnlyMemory<byte> EmptyMap = new byte[] { 0x80 };

    /// <summary>A success as it came in MessagePack.</summary>
    /// <exception cref="OutputFailedException">Something that is not a member gave another form than was asked for.</exception>
    public static ReadOnlyMemory<byte> PackedOf<T>(ApiResult<T> result) =>
        !result.Packed.IsEmpty ? result.Packed
        : result.Json.Length == 0 ? EmptyMap
        : throw new OutputFailedException("the answer is not MessagePack", readerIsGone: false);

    /// <summary>Shows a success as asked for, or tells the problem; the exit code says which.</summary>
    public int Show<T>(ApiResult<T> result, Func<T, TextTable> table)
    {
        if (!result.Succeeded)
        {
            return Fail(result.Problem);
        }
        switch (Format)
        {
            case OutputFormat.Json:
                WriteJson(result.Json);
                break;
            case OutputFormat.MsgPack:
                WritePacked(PackedOf(result));
                break;
            default:
                table(result.Value).Write(Environment);
                break;
        }
        return ExitCode.Done;
    }

    /// <summary>One JSON document; an answer without a body is an empty object.</summary>
    public void WriteJson(string json) => Environment.Output.WriteLine(json.Length == 0 ? "{}" : json.TrimEnd());

    /// <summary>One document of MessagePack, byte for byte.</summary>
    public void WritePacked(ReadOnlyMemory<byte> document)
    {
        Environment.RawOutput.Write(document.Span);
        Environment.RawOutput.Flush();
    }

    public int Fail(ApiProblem problem)
    {
        var detail = Plain.OneLine(problem.Detail).TrimEnd();
        var sentence = problem.Kind == ApiFailureKind.OutcomeUnknown ? "it is not known whether this took effect: " + detail : detail;
        Environment.Error.WriteLine("consensusctl: " + (sentence.EndsWith('.') ? sentence : sentence + "."));
        return ExitCode.Of(problem);
    }
}
