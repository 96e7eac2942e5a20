-- Playteach: lays out tasks and tells what happens, in a plain single-player world with mod security on.
-- Writes <world>/events.jsonl (one JSON object a line); reads <world>/cmd.json, which appears by rename.
local world = minetest.get_worldpath()
local INTERVAL = tonumber(minetest.settings:get("playteach_state_interval") or "0.05")
local log = assert(io.open(world .. "/events.jsonl", "a"))
local dirty = false
local seq = 0

local function r3(x) return math.floor(x * 1000 + 0.5) / 1000 end
local function P(p) return {r3(p.x), r3(p.y), r3(p.z)} end
local function emit(t)
	seq = seq + 1
	t.seq = seq
	-- As text: JSON numbers lose digits. The same clock as CLOCK_MONOTONIC_RAW.
	t.us = string.format("%.0f", minetest.get_us_time())
	log:write(minetest.write_json(t), "\n")
	dirty = true
end
local function named(o)
	if not o then return nil end
	if o:is_player() then return o:get_player_name() end
	local e = o:get_luaentity()
	return e and e.name or "?"
end

emit({ev = "boot", version = minetest.get_version().string})

-------------------------------------------------------------------------------- events
minetest.register_on_dignode(function(pos, old, who)
	emit({ev = "dig", node = old.name, pos = P(pos), who = named(who)}) end)
minetest.register_on_placenode(function(pos, new, who)
	emit({ev = "place", node = new.name, pos = P(pos), who = named(who)}) end)
minetest.register_on_craft(function(stack, who)
	emit({ev = "craft", item = stack:get_name(), n = stack:get_count(), who = named(who)}) end)
minetest.register_on_player_hpchange(function(who, d, reason)
	emit({ev = "hp", d = d, hp = who:get_hp() + d, why = reason and reason.type}) end, false)
minetest.register_on_dieplayer(function(who, reason) emit({ev = "died", why = reason and reason.type}) end)
minetest.register_on_item_eat(function(hp, repl, stack)
	emit({ev = "eat", item = stack:get_name(), hp = hp}) end)
minetest.register_on_joinplayer(function(who) emit({ev = "join", who = named(who), pos = P(who:get_pos())}) end)
minetest.register_on_shutdown(function() emit({ev = "shutdown"}) log:flush() end)

-------------------------------------------------------------------------------- mobs
-- Minetest Game has no animals and no monsters; these are small ones of our own.
local function cube(colour, face)
	local side = "playteach_white.png^[colorize:" .. colour .. ":230"
	return {side, side, side, side, side .. "^(" .. face .. ")", side}
end
local function face(eye) return "[combine:16x16:3,5=playteach_eye.png:10,5=playteach_eye.png^[colorize:" .. eye .. ":255" end
local function mob(name, d)
	minetest.register_entity("playteach:" .. name, {
		initial_properties = {physical = true, collide_with_objects = true, collisionbox = d.box, hp_max = d.hp,
			selectionbox = d.box, visual = "cube", visual_size = d.size, textures = cube(d.colour, face(d.eye)),
			makes_footstep_sound = false, stepheight = 0.6},
		on_activate = function(self)
			self.object:set_acceleration({x = 0, y = -9.8, z = 0})
			self.object:set_armor_groups({fleshy = 100})
			self.wait, self.hit = math.random() * 2, 1
		end,
		on_step = function(self, dt)
			local o = self.object
			local p, v = o:get_pos(), o:get_velocity()
			self.wait, self.hit = self.wait - dt, self.hit - dt
			if d.hunts then
				local who = minetest.get_player_by_name("singleplayer")
				if who and who:get_hp() > 0 then
					local q = who:get_pos()
					local dx, dz = q.x - p.x, q.z - p.z
					local far = math.sqrt(dx * dx + dz * dz)
					if far < 12 and far > 0.01 then
						local s = far > 1.5 and d.speed or 0
						o:set_velocity({x = dx / far * s, y = v.y, z = dz / far * s})
						o:set_yaw(math.atan2(dz, dx) - math.pi / 2)
						if far < 1.8 and self.hit <= 0 then
							self.hit = 1.2
							who:punch(o, 1.2, {full_punch_interval = 1.2, damage_groups = {fleshy = 2}})
						end
						return
					end
				end
			end
			if self.wait <= 0 then
				self.wait = 1.5 + math.random() * 1.5
				local a = math.random() * 6.283
				-- Home is where it was put: a herd does not leave the meadow.
				self.home = self.home or p
				local hx, hz = self.home.x - p.x, self.home.z - p.z
				if hx * hx + hz * hz > 4 then a = math.atan2(hz, hx) end
				o:set_velocity({x = math.cos(a) * d.speed, y = v.y, z = math.sin(a) * d.speed})
				o:set_yaw(a - math.pi / 2)
			end
		end,
		on_punch = function(self, who, _, _, dir, damage)
			emit({ev = "punch", target = "playteach:" .. name, who = named(who), hp = self.object:get_hp(), damage = damage})
			if dir then self.object:add_velocity({x = dir.x * 2, y = 2, z = dir.z * 2}) end
		end,
		on_death = function(self, killer)
			emit({ev = "kill", target = "playteach:" .. name, who = named(killer)})
		end,
	})
end
mob("pig", {box = {-0.4, -0.4, -0.4, 0.4, 0.4, 0.4}, size = {x = 0.8, y = 0.8, z = 0.8}, hp = 6, colour = "#f090a8", eye = "#201010", speed = 0.7})
mob("sheep", {box = {-0.45, -0.45, -0.45, 0.45, 0.45, 0.45}, size = {x = 0.9, y = 0.9, z = 0.9}, hp = 6, colour = "#f4f4f4", eye = "#101010", speed = 0.7})
mob("zombie", {box = {-0.35, -0.9, -0.35, 0.35, 0.9, 0.35}, size = {x = 0.7, y = 1.8, z = 0.7}, hp = 10, colour = "#3a8a3a", eye = "#c02020", speed = 1.2, hunts = true})

-- Posts to go to: one plain colour each, so that a sentence can name them.
for name, colour in pairs({red = "#d02020", blue = "#2040e0", yellow = "#f0d020", white = "#f0f0f0"}) do
	minetest.register_node("playteach:post_" .. name, {description = name .. " post",
		tiles = {"playteach_white.png^[colorize:" .. colour .. ":235"}, groups = {not_in_creative_inventory = 1}})
end

-- Something to cook: the game's own edible takes a quarter of a minute.
minetest.register_craftitem("playteach:raw_meat", {description = "Raw meat",
	inventory_image = "default_clay_lump.png^[colorize:#d83040:170", on_use = minetest.item_eat(1)})
minetest.register_craftitem("playteach:cooked_meat", {description = "Cooked meat",
	inventory_image = "default_clay_lump.png^[colorize:#7a4018:170", on_use = minetest.item_eat(6)})
minetest.register_craft({type = "cooking", output = "playteach:cooked_meat", recipe = "playteach:raw_meat", cooktime = 3})

-------------------------------------------------------------------------------- laying out
local function arena(o, r, h)
	local p1, p2 = {x = o.x - r, y = o.y - 4, z = o.z - r}, {x = o.x + r, y = o.y + h, z = o.z + r}
	local vm = minetest.get_voxel_manip()
	local e1, e2 = vm:read_from_map(p1, p2)
	local va = VoxelArea:new({MinEdge = e1, MaxEdge = e2})
	local d, pr2 = vm:get_data(), vm:get_param2_data()
	local air, dirt = minetest.get_content_id("air"), minetest.get_content_id("default:dirt")
	local grass, stone = minetest.get_content_id("default:dirt_with_grass"), minetest.get_content_id("default:stone")
	for z = p1.z, p2.z do for y = p1.y, p2.y do
		local i = va:index(p1.x, y, z)
		for _ = p1.x, p2.x do
			d[i] = y >= o.y and air or y == o.y - 1 and grass or y >= o.y - 2 and dirt or stone
			pr2[i] = 0
			i = i + 1
		end
	end end
	vm:set_data(d) vm:set_param2_data(pr2)
	vm:write_to_map(true)
	minetest.fix_light(p1, p2)
end
local function at(o, n) return {x = o.x + n[1], y = o.y + n[2], z = o.z + n[3]} end
-- Node by node: schematics draw each leaf with a random number of the engine's and cannot be repeated.
local function tree(o, n)
	local p, h = at(o, n), n[4] or 5
	local trunk, leaf = n[5] or "default:tree", n[6] or "default:leaves"
	for dy = h - 2, h + 1 do
		local rr = dy < h and 2 or 1
		for dx = -rr, rr do for dz = -rr, rr do
			if not (math.abs(dx) == rr and math.abs(dz) == rr and (dx * 3 + dz * 5 + dy) % 2 == 0) then
				minetest.set_node({x = p.x + dx, y = p.y + dy, z = p.z + dz}, {name = leaf, param2 = 1}) end end end
	end
	for dy = 0, h - 1 do minetest.set_node({x = p.x, y = p.y + dy, z = p.z}, {name = trunk}) end
end
local origin
local function lay_out(c, done)
	math.randomseed(c.seed or 1)
	local who = minetest.get_player_by_name("singleplayer")
	if not who then return done({ok = false, err = "no player"}) end
	local o = {x = c.origin[1], y = c.origin[2], z = c.origin[3]}
	local r = c.radius or 16
	local function act()
		origin = o
		minetest.close_formspec(who:get_player_name(), "")
		if c.time then minetest.set_timeofday(c.time) end
		for _, ob in ipairs(minetest.get_objects_inside_radius(o, 60)) do
			if not ob:is_player() then ob:remove() end end
		arena(o, r, c.height or 12)
		for _, n in ipairs(c.nodes or {}) do minetest.set_node(at(o, n), {name = n[4], param2 = n[5] or 0}) end
		for _, n in ipairs(c.trees or {}) do tree(o, n) end
		for _, n in ipairs(c.entities or {}) do minetest.add_entity(at(o, n), n[4]) end
		for _, n in ipairs(c.items or {}) do
			local ob = minetest.add_item(at(o, n), n[4])
			if ob then ob:set_velocity({x = 0, y = 0, z = 0}) end
		end
		for _, n in ipairs(c.fill or {}) do
			minetest.get_meta(at(o, n)):get_inventory():add_item(n[4], n[5]) end
		local inv = who:get_inventory()
		for _, l in ipairs({"main", "craft", "craftpreview", "craftresult"}) do inv:set_list(l, {}) end
		inv:set_size("main", 32) inv:set_size("craft", 9) inv:set_size("craftpreview", 1)
		for _, g in ipairs(c.give or {}) do inv:set_stack("main", g[1], ItemStack(g[2])) end
		who:set_hp(c.hp or 20, {type = "set_hp"})
		who:set_breath(11)
		who:set_pos(at(o, c.pos))
		who:set_look_horizontal(math.rad(c.yaw or 0))
		who:set_look_vertical(math.rad(c.pitch or 0))
		done({ok = true})
	end
	local p1, p2 = vector.subtract(o, r + 2), vector.add(o, r + 2)
	minetest.emerge_area(p1, p2, function(_, _, left) if left == 0 then minetest.after(0, act) end end)
end
local command = world .. "/cmd.json"
local function poll()
	local f = io.open(command, "r")
	if not f then return end
	local text = f:read("*a")
	f:close()
	os.remove(command)
	local c = minetest.parse_json(text)
	if type(c) ~= "table" then emit({ev = "cmd", ok = false, err = "not JSON"}) return end
	lay_out(c, function(res) res.ev = "cmd" res.id = c.id emit(res) end)
end

-------------------------------------------------------------------------------- state
local function stacks(inv, list)
	local t = {}
	for i, s in ipairs(inv:get_list(list) or {}) do
		if not s:is_empty() then t[#t + 1] = {i, s:get_name(), s:get_count()} end
	end
	return t
end
local function counts(inv)
	local t = {}
	for _, l in ipairs({"main", "craft"}) do
		for _, s in ipairs(inv:get_list(l) or {}) do
			if not s:is_empty() then t[s:get_name()] = (t[s:get_name()] or 0) + s:get_count() end
		end
	end
	return t
end
local acc, last = 0, {}
minetest.register_globalstep(function(dt)
	poll()
	acc = acc + dt
	local who = minetest.get_player_by_name("singleplayer")
	if who then
		local inv = who:get_inventory()
		local now, diff, any = counts(inv), {}, false
		for k, v in pairs(now) do if v ~= (last[k] or 0) then diff[k] = v - (last[k] or 0) any = true end end
		for k, v in pairs(last) do if not now[k] then diff[k] = -v any = true end end
		if any then emit({ev = "inv", d = diff}) end
		last = now
		if acc >= INTERVAL then
			local p = who:get_pos()
			local near = {}
			for _, ob in ipairs(minetest.get_objects_inside_radius(p, 24)) do
				if not ob:is_player() then
					local e = ob:get_luaentity()
					local q = ob:get_pos()
					near[#near + 1] = {e and e.name or "?", r3(q.x), r3(q.y), r3(q.z), e and e.itemstring or ""}
				end
			end
			emit({ev = "state", pos = P(p), yaw = r3(math.deg(who:get_look_horizontal())),
				pitch = r3(math.deg(who:get_look_vertical())), hp = who:get_hp(), vel = P(who:get_velocity()),
				slot = who:get_wield_index(), wield = who:get_wielded_item():get_name(),
				main = stacks(inv, "main"), craft = stacks(inv, "craft"), near = near, bits = who:get_player_control_bits()})
		end
	end
	if acc >= INTERVAL then acc = acc % INTERVAL end
	if dirty then log:flush() dirty = false end
end)
