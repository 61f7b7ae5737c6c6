using Consensus.Api;
using Consensus.Api.Settings;
using Consensus.Node;
using Consensus.Server.Auth;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.Server.Json;
using Consensus.Server.Routing;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Settings;

/// <summary>The replicated bounds that an operator may change: GET shows, PUT changes, DELETE makes one what it is by default.</summary>
internal sealed class SettingEndpoints(IConsensusNode node, JudgedReads reads, CommandRunner commands, Replies replies, ILogger logger)
{
    public async Task ListAsync(ApiCall call)
    {
        if (await ReadAsync(call) is { } view)
        {
            var items = SettingDefinition.All.Select(definition => Of(definition, definition.ValueIn(view.Limits))).ToList();
            await replies.Json(
                call.Http, StatusCodes.Status200OK, new SettingListAnswer(items, view.Revision.Value), ApiJson.Default.SettingListAnswer, view.Revision);
        }
    }

    public async Task GetAsync(ApiCall call)
    {
        if (SettingDefinition.Find(call.Name.ToString()) is not { } definition)
        {
            await replies.Problem(call.Http, Unknown(call));
        }
        else if (await ReadAsync(call) is { } view)
        {
            await replies.Json(
                call.Http, StatusCodes.Status200OK, Of(definition, definition.ValueIn(view.Limits)), ApiJson.Default.SettingAnswer, view.Revision);
        }
    }

    public async Task PutAsync(ApiCall call)
    {
        var http = call.Http;
        if (!RequestIdentity.TryRead(call, out var identity, out var refusal))
        {
            await replies.Problem(http, refusal!);
            return;
        }
        if (SettingDefinition.Find(call.Name.ToString()) is not { } definition)
        {
            await replies.Problem(http, Unknown(call));
            return;
        }
        var (body, problem) = await RequestBody.ReadAsync(call, ApiLimits.MaxRequestBytes, "the request");
        if (problem is not null)
        {
            await replies.Problem(http, problem);
            return;
        }
        if (ReadValue(body, out var sentence) is not { } value)
        {
            await replies.Problem(http, Problem.BadRequest(sentence!));
            return;
        }
        await ChangeAsync(call, identity, body, definition, value);
    }

    public async Task ResetAsync(ApiCall call)
    {
        if (!RequestIdentity.TryRead(call, out var identity, out var refusal))
        {
            await replies.Problem(call.Http, refusal!);
        }
        else if (SettingDefinition.Find(call.Name.ToString()) is not { } definition)
        {
            await replies.Problem(call.Http, Unknown(call));
        }
        else
        {
            await ChangeAsync(call, identity, [], definition, definition.Default);
        }
    }

    private async Task ChangeAsync(ApiCall call, RequestIdentity identity, byte[] body, SettingDefinition definition, long value)
    {
        var answer = await commands.ExecuteAsync(call, identity, body, new PutSettingCommand(definition.Setting, value));
        if (answer is not { Kind: AnswerKind.Done, Outcome: SettingPut put })
        {
            await replies.Problem(call.Http, AnswerProblems.Of(answer));
            return;
        }
        var made = SettingTexts.Of(definition, put.Value);
        logger.LogWarning("the setting {Setting} was made {Value}, by {Client}", definition.Name, made, Caller.Of(call, node));
        await replies.Json(call.Http, StatusCodes.Status200OK, Of(definition, put.Value), ApiJson.Default.SettingAnswer, put.Revision);
    }

    /// <summary>Null when the read was refused, and that is answered.</summary>
    private async Task<StateView?> ReadAsync(ApiCall call)
    {
        if (!ReadOptions.TryRead(call.Query, out var options, out var refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return null;
        }
        var (view, problem) = await reads.ReadAsync(call, options, Access.ToCluster(SystemRights.Administer));
        if (view is null)
        {
            await replies.Problem(call.Http, problem!);
        }
        return view;
    }

    /// <summary><c>{"value":N}</c>. Whether the setting takes the value is judged where it is applied.</summary>
    private static long? ReadValue(ReadOnlyMemory<byte> body, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        long? value = null;
        while (json.NextField())
        {
            if (json.Is("value"u8, 0))
            {
                value = json.Number(0, long.MaxValue);
            }
            else
            {
                json.Unknown();
            }
        }
        refusal = json.Refusal ?? (value is null ? "the field \"value\" is missing: a whole number" : null);
        return refusal is null ? value : null;
    }

    private static SettingAnswer Of(SettingDefinition definition, long value) =>
        new(definition.Name, value, SettingTexts.UnitOf(definition), definition.Default, definition.Least, definition.Most);

    private static Problem Unknown(ApiCall call) =>
        Problem.NotFound($"there is no setting \"{Excerpt.Of(call.Name)}\"; GET {ApiRoutes.Settings} lists them");
}
