using System.Text.Json.Nodes;
using CN2.Model.Tests.Lab;

namespace CN2.Model.Tests.Clients;

/// <summary>
/// One client with a random stream of its own: it alone writes its Services and reservations, and meets others over addresses, node
/// ports, endpoints, networks and claims.
/// </summary>
internal sealed class ModelClient
{
    private readonly int _number;
    private readonly ApiClient _api;
    private readonly ModelLab _lab;
    private readonly Random _random;
    private readonly List<OwnedService> _services = [];
    private readonly Dictionary<string, string?> _reservations = [];
    private int _keys;

    public ModelClient(int number, int seed, ApiClient api, ModelLab lab)
    {
        _number = number;
        _api = api;
        _lab = lab;
        _random = new Random(unchecked((seed * 7919) + number));
        for (var i = 0; i < 6; i++) _services.Add(new OwnedService(Playground.Namespaces[i % 2], $"s{number}-{i}"));
        for (var i = 0; i < 2; i++) _reservations[$"/v1/namespaces/{Playground.Namespaces[i % 2]}/floating-ips/r{number}-{i}"] = null;
    }

    public IReadOnlyList<OwnedService> Services => _services;

    public async Task RunAsync(DateTimeOffset until)
    {
        while (DateTimeOffset.UtcNow < until)
        {
            await OperateAsync();
            if (_random.Chance(0.3)) await Task.Delay(_random.Next(40));
        }
    }

    /// <summary>After a pause: what is not known is asked, what must be there is looked at.</summary>
    public async Task LookAsync()
    {
        foreach (var service in _services) await LookAsync(service);
        foreach (var (path, address) in _reservations.ToList())
        {
            if (address is null) continue;
            var reply = await _api.GetAsync(path);
            if (reply.Accepted && (string?)reply.Json!["address"] != address) Fault($"{path} held {address}: {reply.Text}");
        }
    }

    private Task OperateAsync() => _random.Of<Func<Task>>(
        (30, ServiceAsync),
        (14, InterfaceAsync),
        (12, ReservationAsync),
        (5, NetworkAsync),
        (1, async () => await _api.PutAsync("/v1/external-network-selectors/default-external", Playground.Selector(_random))),
        (1, async () => await PutNamespaceAsync(_random.Of([.. Playground.Namespaces, Playground.NetworkNamespace]))),
        (1, async () => await _api.PatchAsync($"/v1/virtual-routers/{_random.Of(ModelLab.VirtualRouters)}", new JsonObject { ["adminDown"] = _random.Chance(0.3) })),
        (1, BatchAsync))();

    private Task<Reply> PutNamespaceAsync(string name) => _api.PutAsync($"/v1/namespaces/{name}", Playground.Namespace(name, _random));

    private async Task NetworkAsync()
    {
        var name = _random.Of(Playground.Networks);
        var path = $"/v1/namespaces/{Playground.NetworkNamespace}/external-networks/{name}";
        if (_random.Chance(0.1)) await _api.DeleteAsync(path);
        else await _api.PutAsync(path, Playground.Network(name, _random));
    }

    private async Task InterfaceAsync()
    {
        var ns = _random.Of(Playground.Namespaces);
        var name = Playground.InterfaceName(_random);
        var path = $"/v1/namespaces/{ns}/virtual-machine-interfaces/{name}";
        await (_random.Next(10) switch
        {
            0 => _api.DeleteAsync(path),
            1 or 2 => _api.PatchAsync(path, new JsonObject { ["ready"] = _random.Chance(0.6) }),
            3 => _api.PatchAsync(path, new JsonObject { ["virtualRouter"] = _random.Of(ModelLab.VirtualRouters) }),
            4 => _api.PatchAsync(path, new JsonObject { ["labels"] = Playground.Labels(_random) }),
            5 when name[0] == 'h' => ListenAsync(),
            _ => _api.PutAsync(path, Playground.Interface(ns, name, _random)),
        });

        Task<Reply> ListenAsync()
        {
            _lab.Listen(_random.Of(ModelLab.VirtualRouters), _random.Chance(0.7));
            return Task.FromResult(new Reply(200, null, ""));
        }
    }

    private async Task BatchAsync()
    {
        var ns = _random.Of(Playground.Namespaces);
        var names = Enumerable.Range(0, 5).Select(_ => Playground.InterfaceName(_random)).Distinct();
        await _api.SendAsync(HttpMethod.Post, $"/v1/namespaces/{ns}/virtual-machine-interfaces:batch", new JsonObject { ["items"] = new JsonArray([.. names.Select(n => Playground.Interface(ns, n, _random))]) });
    }

    private async Task ReservationAsync()
    {
        var path = _random.Of(_reservations.Keys.ToList());
        var ns = path.Split('/')[3];
        if (_random.Chance(0.2))
        {
            var deleted = await _api.DeleteAsync(path);
            if (deleted.Accepted || deleted.Unknown || deleted.Status == 404) _reservations[path] = null;
            return;
        }

        var body = new JsonObject { ["name"] = path.Split('/')[5] };
        string? networkPath = null;
        var before = await _api.GetAsync(path);
        if (before.Unknown) return;
        if (before.Accepted)
        {
            if ((string?)before.Json!["status"]!["state"] == "Deleting") return;
            body["interfaces"] = new JsonArray([.. Enumerable.Range(0, _random.Next(4)).Select(_ => Playground.InterfaceName(_random)).Distinct().Select(n => (JsonNode)n)]);
            if (_random.Chance(0.5)) body["portMappings"] = new JsonArray([.. Playground.Ports(_random).Select(p => new JsonObject { ["protocol"] = (string?)p!["protocol"], ["port"] = (int)p["port"]!, ["targetPort"] = 8080 })]);
        }
        else
        {
            var network = _random.Of(Playground.Networks);
            body["externalNetwork"] = $"{Playground.NetworkNamespace}/{network}";
            if (_random.Chance(0.4)) body["address"] = Playground.SomeAddress(_random);
            networkPath = $"/v1/namespaces/{Playground.NetworkNamespace}/external-networks/{network}";
        }

        var networkBefore = await UidOfAsync(networkPath);
        var reply = await _api.PutAsync(path, body);
        if (reply.NetworkIsMissing && networkBefore is not null && networkBefore == await UidOfAsync(networkPath)) Fault($"its network was there all the time: {reply.Text}");
        if (reply.Unknown) _reservations[path] = null;
        if (!reply.Accepted) return;
        var address = (string)reply.Json!["address"]!;
        if (_reservations[path] is { } known && known != address) Fault($"{path} held {known}: {reply.Text}");
        _reservations[path] = address;
    }

    private async Task<string?> UidOfAsync(string? path) => path is null ? null : (string?)(await _api.GetAsync(path)).Json?["uid"];

    private async Task ServiceAsync()
    {
        var service = _random.Of(_services);
        if (service.Unknown || service.Leaving)
        {
            await LookAsync(service);
            return;
        }

        if (!service.Exists)
        {
            await CreateAsync(service);
            return;
        }

        if (_random.Chance(0.22)) await DeleteAsync(service);
        else if (_random.Chance(0.15)) await LookAsync(service);
        else await ChangeAsync(service);
    }

    private async Task CreateAsync(OwnedService service)
    {
        var body = new JsonObject
        {
            ["name"] = service.Name,
            ["type"] = _random.Of((8, "LoadBalancer"), (1, "NodePort"), (1, "ClusterIP")),
            ["selector"] = Playground.SelectorOfService(_random),
            ["ports"] = Playground.Ports(_random),
            ["externalTrafficPolicy"] = _random.Of((6, "Local"), (1, "Cluster")),
            ["sessionAffinity"] = _random.Of((4, "None"), (1, "ClientIP")),
        };
        Playground.Families(body, _random);
        Decorate(body);
        var collection = $"/v1/namespaces/{service.Namespace}/services";
        if (_random.Chance(0.1))
        {
            var tried = await _api.SendAsync(HttpMethod.Post, collection + "?dryRun=true", body);
            if (tried.Accepted && (await _api.GetAsync(service.Path)).Accepted) Fault($"a dry run of {service.Name} left something: {tried.Text}");
        }

        var key = _random.Chance(0.3) ? $"{_number}-{_keys++}-{Guid.NewGuid():N}" : null;
        var reply = _random.Chance(0.3) && key is null ? await _api.PutAsync(service.Path, body) : await _api.SendAsync(HttpMethod.Post, collection, body, key);
        if (key is not null && (reply.Unknown || _random.Chance(0.3)))
        {
            var again = await _api.SendAsync(HttpMethod.Post, collection, body, key);
            if (reply.Accepted && again.Accepted && (string?)again.Json!["uid"] != (string?)reply.Json!["uid"]) Fault($"the same Idempotency-Key, two answers: {reply.Text} and {again.Text}");
            if (reply.Accepted && !again.Accepted && !again.Unknown) Fault($"the same Idempotency-Key, a refusal: {reply.Text} and {again.Text}");
            if (!reply.Accepted) reply = again; // what was refused for the state of things may succeed now
        }

        if (reply.Unknown) service.Unknown = true;
        else if (reply.Accepted) Note(service, reply, body);
        else if (reply.Code is "already-exists" or "being-deleted") Fault($"{service.Path} does not exist, and yet: {reply.Text}");
    }

    private async Task ChangeAsync(OwnedService service)
    {
        var body = (JsonObject)service.Spec!.DeepClone();
        foreach (var member in new[] { "status", "uid", "generation", "createdAt", "updatedAt", "kind", "namespace" }) body.Remove(member);
        switch (_random.Next(9))
        {
            case 0: body["selector"] = Playground.SelectorOfService(_random); break;
            case 1: body["ports"] = Playground.Ports(_random); break;
            case 2: Playground.Families(body, _random); break;
            case 3: Playground.ExternalNetwork(body, _random); break;
            case 4: body["type"] = _random.Of((6, "LoadBalancer"), (1, "NodePort"), (1, "ClusterIP")); break;
            case 5: body["externalTrafficPolicy"] = _random.Of(["Local", "Cluster"]); break;
            case 6: Decorate(body); break;
            case 7: body["labels"] = new JsonObject { ["x"] = _random.Next(5).ToString(System.Globalization.CultureInfo.InvariantCulture) }; break;
            default: break; // changes nothing
        }

        var risk = service.PutAtRisk(body);
        var reply = await _api.PutAsync(service.Path, body);
        if (reply.Unknown) service.Unknown = true;
        else if (reply.Accepted) Note(service, reply, body);
        else if (reply.Status == 404 || reply.Code == "being-deleted") Fault($"{service.Path} exists, and yet: {reply.Text}");
        else service.Stays(risk);
    }

    /// <summary>What few Services have.</summary>
    private void Decorate(JsonObject body)
    {
        Playground.ExternalNetwork(body, _random);
        body.Remove("loadBalancerIPs");
        if (_random.Chance(0.2) && (string?)body["type"] == "LoadBalancer")
        {
            var reserved = _reservations.Values.OfType<string>().ToList();
            var address = reserved.Count > 0 && _random.Chance(0.6) ? _random.Of(reserved) : Playground.SomeAddress(_random);
            body["loadBalancerIPs"] = new JsonArray(address);
            body["ipFamilies"] = address.Contains(':', StringComparison.Ordinal) ? new JsonArray("IPv6") : new JsonArray("IPv4");
            if (_random.Chance(0.3)) body["ipFamilies"] = new JsonArray("IPv4", "IPv6");
            body.Remove("ipFamilyPolicy");
        }

        body["allocateLoadBalancerNodePorts"] = _random.Chance(0.5);
        body["loadBalancerSourceRanges"] = _random.Chance(0.12) ? new JsonArray("10.0.0.0/8") : [];
    }

    private async Task DeleteAsync(OwnedService service)
    {
        var reply = await _api.DeleteAsync(service.Path);
        if (reply.Unknown) service.Unknown = true;
        else if (reply.Status == 204) service.Gone();
        else if (reply.Status == 202) service.Leaving = true;
        else Fault($"{service.Path} exists, and yet: {reply.Text}");
    }

    private async Task LookAsync(OwnedService service)
    {
        var reply = await _api.GetAsync(service.Path);
        if (reply.Unknown) return;
        if (reply.Status == 404)
        {
            if (service.Exists) Fault($"{service.Path} is gone by itself");
            service.Gone();
            return;
        }

        var answer = reply.Json!.AsObject();
        if ((string?)answer["status"]!["state"] == "Deleting")
        {
            if (service.Exists) Fault($"{service.Path} is being deleted, and nobody asked for it");
            service.Unknown = false;
            service.Leaving = true;
            return;
        }

        if (service.Leaving) Fault($"{service.Path} was deleted and is back: {reply.Text}");
        if (!service.Unknown && service.Spec is null) Fault($"{service.Path} came by itself: {reply.Text}");
        if (service.Observe(answer, null) is { } fault) Fault(fault);
    }

    private void Note(OwnedService service, Reply reply, JsonObject body)
    {
        if (service.Observe(reply.Json!.AsObject(), body) is { } fault) Fault($"{fault}\n  after {body.ToJsonString()}");
    }

    private void Fault(string text) => _api.Faults.Enqueue($"client {_number}: {text}");
}
