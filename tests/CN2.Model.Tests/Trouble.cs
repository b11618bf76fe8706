using System.Globalization;
using CN2.Model.Tests.Clients;
using CN2.Model.Tests.Lab;

namespace CN2.Model.Tests;

/// <summary>What goes wrong meanwhile: processes die and come back, hands meddle with what belongs to the product.</summary>
internal sealed class Trouble(ModelLab lab, Random random, Action<string> tell)
{
    public async Task RunAsync(DateTimeOffset until)
    {
        while (DateTimeOffset.UtcNow < until)
        {
            await Task.Delay(random.Next(1500));
            await random.Of<Func<Task>>((3, KillApiAsync), (2, KillGobgpdAsync), (2, KillAgentAsync), (2, DamageRoutesAsync), (2, DamageTableAsync), (1, FreezeAsync))();
        }
    }

    private async Task KillApiAsync()
    {
        tell("kill -9 of the API");
        lab.Api.Kill();
        await Task.Delay(random.Next(1500));
        lab.Api.Start();
        await Task.Delay(random.Next(2500));
    }

    private async Task KillGobgpdAsync()
    {
        tell("kill -9 of gobgpd");
        lab.Gobgpd.Kill();
        await Task.Delay(random.Next(1500));
        lab.Gobgpd.Start();
    }

    private async Task KillAgentAsync()
    {
        var name = random.Of(ModelLab.VirtualRouters);
        var away = random.Next(10_000); // at times longer than it takes to be lost
        tell($"kill -9 of the agent of {name}, back after {away} ms");
        lab.Agents[name].Kill();
        await Task.Delay(away);
        lab.Agents[name].Start();
    }

    private async Task FreezeAsync()
    {
        var daemon = random.Of([lab.Api, lab.Gobgpd, .. lab.Agents.Values]);
        var span = random.Next(4000);
        tell($"{Path.GetFileNameWithoutExtension(daemon.Log)} stands still for {span} ms");
        daemon.Signal("STOP");
        await Task.Delay(span);
        daemon.Signal("CONT");
    }

    private Task DamageRoutesAsync()
    {
        var family = random.Of(["ipv4", "ipv6"]);
        string[] arguments = random.Next(3) switch
        {
            0 => ["del", "all", "-a", family],
            1 => ["add", $"100.64.0.{random.Next(2, 15).ToString(CultureInfo.InvariantCulture)}/32", "nexthop", "192.0.2.1", "-a", "ipv4"],
            _ => ["del", $"100.64.0.{random.Next(2, 15).ToString(CultureInfo.InvariantCulture)}/32", "-a", "ipv4"],
        };
        tell($"gobgp global rib {string.Join(' ', arguments)}");
        Command.Try("timeout", ["5", "gobgp", "--target", lab.GobgpTarget, "global", "rib", .. arguments]);
        return Task.CompletedTask;
    }

    private Task DamageTableAsync()
    {
        var name = random.Of(ModelLab.VirtualRouters);
        var family = random.Of(["ip", "ip6"]);
        string[] arguments = random.Next(4) switch
        {
            0 => ["delete", "table", family, "cn2"],
            1 => ["flush", "set", family, "cn2", "floating_ips"],
            2 => ["flush", "map", family, "cn2", "frontends"],
            _ => ["flush", "ruleset"],
        };
        tell($"{name}: nft {string.Join(' ', arguments)}");
        lab.Nodes[name].Try(["nft", .. arguments]);
        return Task.CompletedTask;
    }
}
