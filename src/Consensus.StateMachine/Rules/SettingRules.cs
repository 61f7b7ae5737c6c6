using System.Collections.Immutable;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>
/// The bounds that an operator may change. Every command is judged by what is set where it stands in the log. A bound below what is used refuses what comes, and drops nothing;
/// only the history is cut to it, little by little. They take no revision.
/// </summary>
internal sealed class SettingRules(StateTables state)
{
    public Outcome Put(PutSettingCommand c)
    {
        if (!SettingDefinition.Of(c.Setting).Takes(c.Value))
        {
            return new SettingOutOfRange(state.Revision, c.Setting);
        }
        state.Settings.Set(new SettingValue(c.Setting, c.Value));
        return new SettingPut(state.Revision, c.Setting, c.Value);
    }

    /// <summary>What the first member that announces itself brings are the settings of the cluster, but for those that are set already; what later ones bring is not looked at.</summary>
    public void Form(ImmutableArray<SettingValue> settings)
    {
        if (state.Members.Count > 0)
        {
            return;
        }
        foreach (var setting in settings)
        {
            if (!state.Settings.IsSet(setting.Setting))
            {
                state.Settings.Set(setting);
            }
        }
    }
}
