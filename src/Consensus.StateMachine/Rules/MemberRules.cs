using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>
/// Members tell who they are, and are forgotten: both at once, however many wait through their earlier processes and are detached step by
/// step.
/// </summary>
internal sealed class MemberRules(StateTables state, WaitRules waits, SettingRules settings, PolicyRules policies)
{
    public Noted Announce(AnnounceMemberCommand c)
    {
        if (state.Members.TryGet(c.Member, out var known) && known.Boot != c.Boot)
        {
            waits.DetachAll(c.Member, boot => boot != c.Boot);
        }
        settings.Form(c.Settings);
        policies.Form(c.FirstAdmin);
        state.Members.Set(new MemberInfo(c.Member, c.Name, c.Boot, c.ClientUrl, c.PeerAddress, c.Version, c.FeatureLevel));
        return new Noted(state.Revision);
    }

    public Noted Forget(ForgetMemberCommand c)
    {
        waits.DetachAll(c.Member, _ => true);
        state.Members.Remove(c.Member);
        return new Noted(state.Revision);
    }
}
