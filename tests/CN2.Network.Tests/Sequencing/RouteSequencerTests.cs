using CN2.Network.Compilation;
using CN2.Network.Sequencing;

namespace CN2.Network.Tests.Sequencing;

public class RouteSequencerTests
{
    /// <summary>Another FloatingIP with the address of FloatingIP 4.</summary>
    private const int SameAddressAs4 = 256 + 4;

    private readonly SequencedWorld _world = new("compute1", "compute2");

    [Fact]
    public void A_route_is_announced_only_after_its_vRouter_has_acknowledged()
    {
        _world.Set(Routes.Through(4, "compute1"));
        Assert.Empty(_world.Speaker);
        Assert.Single(_world.TableOf("compute1"));

        _world.Acknowledge("compute1");
        Assert.Single(_world.Speaker);
    }

    [Fact]
    public void Entries_stay_a_second_after_the_confirmed_withdrawal()
    {
        Up(Routes.Through(4, "compute1"));
        _world.Remove(Routes.FloatingIP(4));
        Assert.Single(_world.TableOf("compute1"));

        _world.SpeakerConfirms();
        Assert.Empty(_world.Speaker);
        _world.Pass(RouteSequencer.EntryHold - TimeSpan.FromMilliseconds(1));
        Assert.Single(_world.TableOf("compute1"));

        _world.Pass(TimeSpan.FromMilliseconds(1));
        Assert.Empty(_world.TableOf("compute1"));
        Assert.True(_world.Sequencer.IsQuiet(Routes.FloatingIP(4)));
    }

    [Fact]
    public void A_hold_that_is_over_waits_until_what_others_announce_was_read_after_it()
    {
        Up(Routes.Through(4, "compute1"));
        _world.Remove(Routes.FloatingIP(4));
        _world.SpeakerConfirms();
        var over = _world.Now + RouteSequencer.EntryHold;
        Assert.Equal(over, _world.Sequencer.Tick(_world.Now, othersReadAt: _world.Now));
        Assert.Null(_world.Sequencer.Tick(over, othersReadAt: over - TimeSpan.FromTicks(1)));
        Assert.Equal(over, _world.Sequencer.HoldEndsAt);
        Assert.False(_world.Sequencer.IsQuiet(Routes.FloatingIP(4)));
        _world.Sequencer.Tick(over, othersReadAt: over);
        Assert.Null(_world.Sequencer.HoldEndsAt);
        Assert.True(_world.Sequencer.IsQuiet(Routes.FloatingIP(4)));
    }

    [Fact]
    public void A_route_that_is_wanted_again_while_its_entries_are_held_waits_for_them_when_another_replica_serves_the_agent()
    {
        var wanted = Routes.Through(4, "compute1");
        Up(wanted);
        _world.Remove(wanted.Owner);
        _world.SpeakerConfirms();
        _world.ServedElsewhere.Add("compute1");
        _world.Set(wanted);
        Assert.Empty(_world.Speaker);
        _world.Acknowledge("compute1");
        Assert.Single(_world.Speaker);
    }

    /// <summary>The other replica keeps its last route until the next one is confirmed; this one has never announced it, because the agent left before its answer came here.</summary>
    [Fact]
    public void Entries_of_a_route_that_only_another_replica_announces_stay_until_it_has_withdrawn_it()
    {
        _world.Set(Routes.Through(4, "compute1"));
        _world.AnnouncedByOthers.Add((Routes.FloatingIP(4), "compute1"));
        _world.Set(Routes.Through(4, "compute2"));
        Assert.True(Assert.Single(_world.TableOf("compute1")).Value.Carries);
        _world.Pass(RouteSequencer.BreakHold);
        Assert.True(Assert.Single(_world.TableOf("compute1")).Value.Carries);
        Assert.False(_world.Sequencer.MayBeInSpeaker(Routes.FloatingIP(4)));
        Assert.False(_world.Sequencer.IsQuiet(Routes.FloatingIP(4)));

        _world.AnnouncedByOthers.Clear();
        _world.Pass(RouteSequencer.EntryHold);
        Assert.False(Assert.Single(_world.TableOf("compute1")).Value.Carries); // what it has for callers inside
        Assert.True(_world.Sequencer.IsQuiet(Routes.FloatingIP(4)));
    }

    [Fact]
    public void A_route_that_is_wanted_again_while_its_entries_are_held_for_another_replica_is_announced_once_they_are_acknowledged()
    {
        var wanted = Routes.Through(4, "compute1");
        _world.Set(wanted);
        _world.AnnouncedByOthers.Add((Routes.FloatingIP(4), "compute1"));
        _world.Remove(wanted.Owner);
        _world.Set(wanted);
        Assert.Empty(_world.Speaker);
        _world.Acknowledge("compute1");
        Assert.Single(_world.Speaker);
    }

    [Fact]
    public void Another_FloatingIP_that_is_given_the_address_keeps_its_entry_when_the_hold_is_over()
    {
        Up(Routes.Through(4, "compute1"));
        _world.Remove(Routes.FloatingIP(4));
        _world.SpeakerConfirms();
        var next = Routes.Through(SameAddressAs4, "compute1");
        Up(next);
        _world.Pass(RouteSequencer.EntryHold);
        Assert.Single(_world.TableOf("compute1"));
        Assert.Equal(next.Owner, Assert.Single(_world.Speaker).Key.FloatingIP);
        _world.Remove(next.Owner);
        _world.Settle();
        Assert.Empty(_world.TableOf("compute1"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void That_holds_in_whichever_order_both_changes_are_read(bool isNextFirst)
    {
        Up(Routes.Through(4, "compute1"));
        var next = Routes.Through(SameAddressAs4, "compute1");
        var (gone, given) = ((Routes.FloatingIP(4), (CompiledOwner?)null), (next.Owner, next));
        _world.Set(isNextFirst ? [given, gone] : [gone, given]);
        _world.Settle();
        Assert.Single(_world.TableOf("compute1"));
        Assert.Equal(next.Owner, Assert.Single(_world.Speaker).Key.FloatingIP);
    }

    [Fact]
    public void A_floating_IP_is_not_quiet_before_its_withdrawal_is_confirmed()
    {
        Up(Routes.Through(4, "compute1"));
        _world.Remove(Routes.FloatingIP(4));
        _world.Pass(TimeSpan.FromMinutes(1));
        Assert.False(_world.Sequencer.IsQuiet(Routes.FloatingIP(4)));
    }

    [Fact]
    public void A_route_that_is_wanted_again_before_the_changes_are_taken_is_not_withdrawn()
    {
        var wanted = Routes.Through(4, "compute1");
        Up(wanted);
        _world.Sequencer.Set(wanted.Owner, null, _world.Now);
        _world.Sequencer.Set(wanted.Owner, wanted, _world.Now);

        var changes = _world.Sequencer.TakeRoutes();
        Assert.Empty(changes.Withdraw);
        Assert.Equal(wanted.Routes, changes.Announce);
    }

    [Fact]
    public void The_old_route_of_a_moved_endpoint_stays_until_the_new_one_is_confirmed()
    {
        Up(Routes.Through(4, "compute1"));
        _world.Set(Routes.Through(4, "compute2"));
        Assert.Equal(["compute1"], Through(4));

        _world.Acknowledge("compute2");
        Assert.Equal(["compute1", "compute2"], Through(4));

        _world.SpeakerConfirms(); // the new one is confirmed, the old one withdrawn
        _world.SpeakerConfirms();
        Assert.Equal(["compute2"], Through(4));
    }

    [Fact]
    public void A_network_that_changes_to_the_overlay_always_has_a_route()
    {
        var underlay = Routes.Through(4, "compute1", "compute2");
        Up(underlay);
        _world.Set(Routes.InOverlay(underlay));
        Assert.Equal([0, 0], Families());
        Assert.Equal(2, _world.TableOf("compute1").Count);

        _world.Acknowledge("compute1");
        Assert.Equal([0, 0, 7], Families());
        _world.SpeakerConfirms();
        _world.Settle();
        Assert.Equal([7, 7], Families());
        Assert.Equal(7, Assert.Single(_world.TableOf("compute1")).Key.RoutingInstance);
        Assert.False(_world.Sequencer.IsIn(Routes.FloatingIP(4), 0));

        IEnumerable<int> Families() => _world.Speaker.Keys.Select(k => k.RoutingInstance).Order();
    }

    [Fact]
    public void An_old_route_waits_five_seconds_at_most_for_its_successor()
    {
        Up(Routes.Through(4, "compute1"));
        _world.Set(Routes.Through(4, "compute2"));
        _world.Pass(RouteSequencer.BreakHold);
        _world.SpeakerConfirms();
        Assert.Empty(_world.Speaker);
    }

    [Fact]
    public void The_route_of_a_lost_vRouter_is_withdrawn_without_waiting_for_a_successor()
    {
        Up(Routes.Through(4, "compute1"));
        _world.Unreachable.Add("compute1");
        _world.Set(Routes.Through(4, "compute2"));
        _world.SpeakerConfirms();
        Assert.Empty(_world.Speaker);
    }

    [Fact]
    public void The_last_endpoint_that_drains_takes_flows_until_the_route_is_withdrawn()
    {
        Up(Routes.Through(4, "compute1"));
        _world.Set(Routes.Through(4, "~compute1"));
        Assert.True(Assert.Single(_world.TableOf("compute1")).Value.Carries);

        _world.SpeakerConfirms();
        _world.Pass(RouteSequencer.EntryHold);
        var entry = Assert.Single(_world.TableOf("compute1")).Value;
        Assert.False(entry.Carries);
        Assert.Single(entry.Draining);
    }

    [Fact]
    public void A_route_that_is_wanted_again_during_its_withdrawal_is_announced_again()
    {
        Up(Routes.Through(4, "compute1"));
        _world.Set(Routes.Through(4));
        _world.Set(Routes.Through(4, "compute1"));
        _world.Settle();
        Assert.Equal(["compute1"], Through(4));
    }

    [Fact]
    public void A_route_found_in_the_speaker_stays_without_a_new_acknowledgement()
    {
        _world.Set(Routes.Through(4, "compute1"));
        Assert.True(_world.Sequencer.Adopt(Routes.FloatingIP(4), 0, "compute1"));
        Assert.False(_world.Sequencer.Adopt(Routes.FloatingIP(4), 0, "compute2"));
        Assert.Single(_world.Sequencer.AnnouncedRoutes);
    }

    [Fact]
    public void A_floating_IP_that_changes_its_owner_keeps_its_route()
    {
        Up(Routes.Compile(Guid.CreateVersion7(), 4, ["compute1"]));
        var first = _world.Sequencer.Compiled.Keys.Single();
        _world.Set(Routes.Compile(Guid.CreateVersion7(), 4, ["compute1"]));
        _world.Remove(first);
        _world.Settle();
        Assert.Equal(["compute1"], Through(4));
        Assert.Single(_world.TableOf("compute1"));
        // A node without a route keeps its entry for callers inside.
        Assert.Single(_world.TableOf("compute2"));
    }

    [Fact]
    public void A_route_that_waits_for_its_entries_still_waits_for_them_after_its_former_owner_is_removed()
    {
        var (former, owner) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        _world.Set(Routes.Compile(former, 4, ["compute1"]));
        _world.Set(Routes.Compile(owner, 4, ["compute1"]));
        _world.Remove(former);
        _world.Acknowledge("compute1");
        Assert.Equal(["compute1"], Through(4));
    }

    [Fact]
    public void A_confirmed_withdrawal_of_an_earlier_next_hop_does_not_count_for_the_route()
    {
        Up(Routes.Through(4, "compute1"));
        var route = _world.Sequencer.AnnouncedRoutes.Single();
        _world.Remove(Routes.FloatingIP(4));
        _world.Sequencer.Withdrawn([route with { NextHop = System.Net.IPAddress.Parse("172.27.115.9") }], _world.Now);
        _world.Pass(TimeSpan.FromMinutes(1));
        Assert.False(_world.Sequencer.IsQuiet(Routes.FloatingIP(4)));
        _world.SpeakerConfirms();
        _world.Pass(RouteSequencer.EntryHold);
        Assert.True(_world.Sequencer.IsQuiet(Routes.FloatingIP(4)));
    }

    [Fact]
    public void A_refused_route_is_announced_again_only_when_the_resources_ask_for_another_one()
    {
        var refused = Announce(Routes.Through(4, "compute1"));
        _world.Sequencer.Refused([refused]);
        Assert.Empty(_world.Sequencer.RoutesOf(Routes.FloatingIP(4)).Confirmed);
        _world.Sequencer.Set(Routes.FloatingIP(4), Routes.Through(4, "compute1"), _world.Now);
        _world.Sequencer.Acknowledged("compute1", _world.Now);
        Assert.True(_world.Sequencer.TakeRoutes().IsEmpty);

        var network = refused.Network with { Advertisement = refused.Network.Advertisement with { Med = 7 } };
        var corrected = Routes.Through(4, "compute1");
        corrected = corrected with { Routes = [refused with { Network = network }] };
        _world.Sequencer.Set(corrected.Owner, corrected, _world.Now);
        Assert.Equal(corrected.Routes, _world.Sequencer.TakeRoutes().Announce);
    }

    [Fact]
    public void A_route_whose_new_version_is_refused_no_longer_counts_as_announced()
    {
        Up(Routes.Through(4, "compute1"));
        Assert.Single(_world.Sequencer.RoutesOf(Routes.FloatingIP(4)).Confirmed);
        _world.Sequencer.Refused([_world.Sequencer.AnnouncedRoutes.Single()]);
        Assert.Empty(_world.Sequencer.RoutesOf(Routes.FloatingIP(4)).Confirmed);
        Assert.Single(_world.Sequencer.UnconfirmedOf(Routes.FloatingIP(4)));
    }

    [Fact]
    public void A_floating_IP_with_a_refused_route_is_quiet_after_its_deletion()
    {
        var refused = Announce(Routes.Through(4, "compute1"));
        _world.Sequencer.Refused([refused]);
        _world.Sequencer.Set(Routes.FloatingIP(4), null, _world.Now);
        _world.Sequencer.Withdrawn(_world.Sequencer.TakeRoutes().Withdraw, _world.Now);
        Assert.False(_world.Sequencer.IsQuiet(Routes.FloatingIP(4)));
        _world.Sequencer.Tick(_world.Now + RouteSequencer.EntryHold, _world.Now + RouteSequencer.EntryHold);
        Assert.True(_world.Sequencer.IsQuiet(Routes.FloatingIP(4)));
    }

    [Fact]
    public void A_refusal_of_an_earlier_next_hop_says_nothing_about_the_route()
    {
        Up(Routes.Through(4, "compute1"));
        var route = _world.Sequencer.AnnouncedRoutes.Single();
        _world.Sequencer.Refused([route with { NextHop = System.Net.IPAddress.Parse("172.27.115.9") }]);
        Assert.Equal([route], _world.Sequencer.RoutesOf(Routes.FloatingIP(4)).Confirmed);
    }

    [Fact]
    public void A_key_that_two_owners_exchange_in_one_flush_stays()
    {
        var (a, b) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        _world.Set((a, Routes.NodePort(a, 30001)), (b, Routes.NodePort(b, 30002)));
        _world.Set((a, Routes.NodePort(a, 30002)), (b, Routes.NodePort(b, 30001)));
        foreach (var name in new[] { "compute1", "compute2" })
            Assert.Equal([30001, 30002], _world.TableOf(name).Keys.Select(k => (int)k.Port).Order());
        _world.Set((a, Routes.NodePort(a, 30003)), (b, null));
        Assert.Equal([30003], _world.TableOf("compute1").Keys.Select(k => (int)k.Port));
    }

    /// <summary>The world checks the invariant after every step; here the steps come in random order.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void No_order_of_events_leaves_a_route_without_entries(int seed)
    {
        var random = new Random(seed);
        string[] endpoints = ["compute1", "compute2", "~compute1", "~compute2"];
        for (var run = 0; run < 100; run++)
        {
            var world = new SequencedWorld("compute1", "compute2");
            var owners = Enumerable.Range(0, 4).Select(Routes.FloatingIP).ToArray();
            for (var step = 0; step < 60; step++)
            {
                var n = random.Next(1, 4);
                string[] some = [.. endpoints.Where(_ => random.Next(2) == 0)];
                switch (random.Next(8))
                {
                    case 0 or 1:
                        world.Set(Routes.Compile(owners[n], n, some));
                        break;
                    case 7:
                        world.Set(Routes.InOverlay(Routes.Compile(owners[n], n, some)));
                        break;
                    case 2:
                        world.Remove(owners[n]);
                        break;
                    case 6:
                        var former = owners[n];
                        owners[n] = Guid.CreateVersion7();
                        world.Set((former, null), (owners[n], Routes.Compile(owners[n], n, some)));
                        break;
                    case 3:
                        world.Acknowledge(random.Next(2) == 0 ? "compute1" : "compute2");
                        break;
                    case 4:
                        world.SpeakerConfirms();
                        break;
                    default:
                        world.Pass(TimeSpan.FromMilliseconds(random.Next(2000)));
                        break;
                }
            }

            world.Settle();
            var wanted = world.Sequencer.Compiled.Values.SelectMany(c => c.Routes).Select(r => (r.FloatingIP, r.VirtualRouter, r.RoutingInstance)).Order();
            Assert.Equal(wanted, world.Speaker.Keys.Order());
        }
    }

    [Fact]
    public void A_route_whose_entry_is_refused_is_not_announced_and_comes_when_the_entry_is_accepted()
    {
        var compiled = Routes.Through(4, "compute1", "compute2");
        _world.Set(compiled);
        _world.Refuse("compute1", compiled.NatEntries[0].Key);
        Acknowledge();
        Assert.Equal(["compute2"], Through(4));
        Assert.Equal(["compute2"], _world.Sequencer.Carriers);

        _world.Refuse("compute1");
        Acknowledge();
        Assert.Equal(["compute1", "compute2"], Through(4));
    }

    [Fact]
    public void An_announced_route_goes_when_its_entry_is_refused_and_the_last_one_does_not_wait_for_itself()
    {
        var (one, two) = (Routes.Through(4, "compute1"), Routes.Through(5, "compute1"));
        Up(one);
        Up(two);
        _world.Refuse("compute1", one.NatEntries[0].Key);
        _world.SpeakerConfirms();
        Assert.Empty(Through(4));
        Assert.Equal(["compute1"], Through(5));

        _world.Pass(RouteSequencer.EntryHold);
        _world.Settle();
        Assert.Empty(Through(4));
        Assert.Contains(one.NatEntries[0].Key, _world.TableOf("compute1").Keys); // it goes on being asked for
        _world.Refuse("compute1");
        _world.Settle();
        Assert.Equal(["compute1"], Through(4));
    }

    [Fact]
    public void Other_refusals_cost_a_look_at_the_owners_that_they_concern()
    {
        List<CompiledOwner> all = [.. Enumerable.Range(4, 200).Select(n => Routes.Through(n, "compute1"))];
        _world.Set([.. all.Select(c => (c.Owner, (CompiledOwner?)c))]);
        _world.Settle();
        _world.Refuse("compute1", all[0].NatEntries[0].Key, all[1].NatEntries[0].Key);
        _world.Settle();
        _world.RefusalsAsked = 0;
        _world.Refuse("compute1", all[0].NatEntries[0].Key, all[2].NatEntries[0].Key);
        Assert.InRange(_world.RefusalsAsked, 2, 10); // of the second owner, which is accepted, and of the third, which is not
        _world.Settle();
        Assert.Equal(all.Count - 2, _world.Speaker.Count);
    }

    [Fact]
    public void The_owner_of_a_refused_entry_can_be_removed()
    {
        var compiled = Routes.Through(4, "compute1");
        _world.Set(compiled);
        _world.Refuse("compute1", compiled.NatEntries[0].Key);
        Acknowledge();
        _world.Remove(compiled.Owner);
        _world.Settle();
        Assert.True(_world.Sequencer.IsQuiet(compiled.Owner));
        Assert.Empty(_world.TableOf("compute1"));
        Assert.Empty(_world.Sequencer.Carriers);
    }

    private void Acknowledge()
    {
        foreach (var virtualRouter in _world.VirtualRouters) _world.Acknowledge(virtualRouter);
        _world.SpeakerConfirms();
    }

    private void Up(CompiledOwner compiled)
    {
        _world.Set(compiled);
        _world.Settle();
    }

    /// <summary>Brings a route as far as the speaker, which has not answered yet.</summary>
    private FloatingIPRoute Announce(CompiledOwner compiled)
    {
        _world.Set(compiled);
        _world.Acknowledge("compute1");
        return _world.Sequencer.AnnouncedRoutes.Single();
    }

    private IEnumerable<string> Through(int n) =>
        _world.Speaker.Keys.Where(k => k.FloatingIP == Routes.FloatingIP(n)).Select(k => k.VirtualRouter).Order();
}
